"""What every email has: a title, a main landmark, one button, a preview line, the code to check it; colors of the pages."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from cases import services as cases
from licenses.services import devices
from licenses.services.serial_emails import SERIAL_ARRIVED, arrival_key
from notifications import kinds
from notifications.models import Message
from notifications.rendering import PREVIEW_LENGTH, build
from orders.access import send_code
from orders.models import Order
from orders.services.address_corrections import correct_address, undo_correction
from orders.services.confirmations import resend_confirmation
from refunds.models import Return
from refunds.services import returns
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_agent, make_device, make_license, make_line, make_order, make_reason, make_store
from tests.visitors import visit
