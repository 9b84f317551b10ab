"""Form widgets of the admin that django-unfold lacks."""

from unfold.widgets import UnfoldAdminTextInputWidget


class DateInput(UnfoldAdminTextInputWidget):
    """The browser's date picker, which works without JavaScript."""

    input_type = "date"
