"""One transaction: rows that wait to be sent, answers that are remembered, numbers that are reserved.

The repositories of the store use it; nothing else does.
"""
