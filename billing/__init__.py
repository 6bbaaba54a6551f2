"""Payments, invoices and the providers that take the money."""
