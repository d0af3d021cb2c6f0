"""maild, the helpdesk that lives in your mailbox.

A mail is stored before it is judged. It is judged without side effects. The decision is applied in one transaction.

The floors. Imports go downward only, and packages on one floor do not import each other (tests/test_floors.py):

    roof      cli -> daemon                              build and connect everything, decide nothing
    floor 2   services | store | sources |               use cases; the database; where mail comes from;
              scanners | transports                      malware scanners; where mail goes
    floor 1   mail | ports | config | maillog            mail reads and writes the bytes of mails
    ground    domain                                     records, events and decisions, without any I/O

Any package above the ground may import `ports`, which imports only the ground.

Three packages have wings, and each has an order of its wings. `<` means: the left one is below and does not import the
right one. Wings between two `<` are on one floor and do not import each other:

    domain    invalid, times < people < messages, tickets < query, sla < policy, reports < notices, plan_change
              < effects < decision < escalation, lookups < commands < agent_mail, queries < intake
    services  helpdesk < work < listing, notices, sla_index < reports < apply, queries
              < agents, escalation, housekeeping < deliver, intake, tick < admin_command
    mail      quoting, text < headers, templates < compose, reading < worker

`domain` and `services` share the names of their wings: `domain/intake` decides, `services/intake` acts. Only
`domain/intake` reads mails; a ticket does not know that it came by mail.

The way of one mail in:

    sources  -> services.intake.receive   commits the raw mail and its ledger row; then the source acknowledges
             -> mail.reading              makes an InboundMessage of the bytes, in a worker process
             -> domain.intake             classify -> route -> rules -> decide: events and notices, with reasons
             -> services.intake.process   commits entry, events, ticket, next SLA instant and outgoing mail at once

The way of one notice out:

    domain.notices -> an outbox row, in the transaction of the events that caused it
             -> services.deliver          claims the row, composes the bytes once and stores them for every retry
             -> transports                hands the mail over; each recipient gets one answer
             -> domain.messages.outbox    decides: sent, try again at an instant, or failed
"""

__version__ = "0.1.0"
