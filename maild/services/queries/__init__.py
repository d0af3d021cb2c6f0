"""The read side: answers to questions by mail, and the documents of the command line.

apply and every wing above may import it.
"""
