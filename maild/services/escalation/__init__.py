"""SLA steps that are due, their alarms, alarms that did not arrive, deadlines after a changed configuration.

deliver, intake and tick may import it.
"""
