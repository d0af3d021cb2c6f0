"""maild, the helpdesk that lives in your mailbox.

Store before you think, think without touching the world, touch the world in one transaction.

The floors; imports go downward only, rooms on one floor have no doors between them (tests/test_floors.py):

    roof      cli -> daemon                              knows everyone, decides nothing
    floor 2   services | store | sources |               use cases; the database; where mail comes from;
              scanners | transports                      who looks for malware; where mail goes
    floor 1   mail | ports | config | maillog            mail turns bytes into words and back
    ground    domain                                     words, facts, verdicts; needs nothing

Any room above the ground may import `ports`, which imports the ground alone.

Three rooms have wings, in an order of their own. `<` means: lies below and knows nothing of it. Wings between two `<`
lie on one floor and do not know each other:

    domain    invalid, times < people < messages, tickets < query, sla < policy, reports < notices, plan_change
              < effects < decision < escalation, lookups < commands < agent_mail, queries < intake
    services  helpdesk < work < listing, notices, sla_index < reports < apply, queries
              < agents, escalation, housekeeping < deliver, intake, tick < admin_command
    mail      quoting, text < headers, templates < compose, reading < worker

`domain` and `services` share the names of their wings: `domain/intake` thinks, `services/intake` acts. Only
`domain/intake` reads a mail: a ticket does not know that it came by mail.

The way of one mail in:

    sources  -> services.receive    the raw mail and its ledger row are committed, then the source acknowledges
             -> mail                bytes become an InboundMessage
             -> domain              classify -> route -> rules -> decide: events and notices, each with its reason
             -> services.process    entry, events, ticket, next SLA instant and outgoing mail in one transaction

The way of one notice out:

    domain.notices -> outbox row, in the transaction of the events that caused it
             -> services.deliver    claims the row, composes the bytes once and keeps them: every retry is the same mail
             -> transports          hand it over; each recipient gets one answer
             -> domain.outbox       sent, or when to try again, or failed
"""

__version__ = "0.1.0"
