"""The way of one mail in: receive, scan, judge, process; and `explain`, which walks the same way.

Of the services, only the command of the admin may import it.
"""
