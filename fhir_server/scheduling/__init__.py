"""Free times and appointments: what a Schedule offers, and how an Appointment comes about and ends."""
