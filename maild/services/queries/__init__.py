"""The read side: answers to questions by mail, and the documents of the command line.

Every wing above may import it; `apply` lies beside it and may not.
"""
