"""maild, the helpdesk that lives in your mailbox.

A mail is stored before it is judged. It is judged without side effects. The decision is applied in one transaction.

The floors. Imports go downward only, and packages on one floor do not import each other (tests/test_floors.py):

    roof      cli -> daemon                              build and connect everything, decide nothing
    floor 2   services | store | sources |               use cases; the database; where mail comes from;
              scanners | transports                      malware scanners; where mail goes
    floor 1   mail | ports | config | maillog            mail reads and writes the bytes of mails
    ground    domain                                     records, events and decisions, without any I/O

Any package above the ground may import `ports`, which imports only the ground.

Three packages have wings, each with an order of its own. `<` means: lies below and does not import what is above. Wings
between two `<` lie on one floor and do not import each other:

    domain    invalid, times < people < messages, tickets < query, sla < policy, reports < notices, plan_change
              < effects < decision < escalation, lookups < commands < agent_mail, queries < intake
    services  helpdesk < work < listing, notices, sla_index < reports < apply, queries
              < agents, escalation, housekeeping < deliver, intake, tick < admin_command
    mail      quoting, text < headers, templates < compose, reading < worker

`domain` and `services` share the names of their wings: `domain/intake` decides, `services/intake` acts. Only
`domain/intake` reads mails; a ticket does not know that it came by mail.

The way of one mail in:

    sources  -> services.receive    the raw mail and its ledger row are committed, then the source acknowledges
             -> mail                bytes become an InboundMessage
             -> domain              classify -> route -> rules -> decide: events and notices, each with its reason
             -> services.process    entry, events, ticket, next SLA instant and outgoing mail in one transaction

The way of one notice out:

    domain.notices -> outbox row, in the transaction of the events that caused it
             -> services.deliver    claims the row, composes the bytes once and stores them for every retry
             -> transports          hand it over; each recipient gets one answer
             -> domain.outbox       sent, or when to try again, or failed
"""

__version__ = "0.1.0"
