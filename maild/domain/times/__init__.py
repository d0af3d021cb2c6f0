"""Opening hours, and the moments that people name. Anybody on the ground may import it; it imports nobody."""
