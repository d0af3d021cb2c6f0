"""Who is who: addresses, people, agents, teams, departments, their duty hours, absences and preferences.

Every wing but times may import it.
"""
