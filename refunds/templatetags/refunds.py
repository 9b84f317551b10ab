"""Amounts as programs read them, for templates."""

from django import template

from orders.money import plain_amount

register = template.Library()
register.filter("plain_amount", plain_amount)
