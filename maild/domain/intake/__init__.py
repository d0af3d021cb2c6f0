"""What becomes of a mail: its class, its route, the rules, and the judgement.

No other wing of the ground may import it.
"""
