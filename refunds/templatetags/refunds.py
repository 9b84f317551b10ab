"""Template filter for machine-readable amounts."""

from django import template

from orders.money import plain_amount

register = template.Library()
register.filter("plain_amount", plain_amount)
