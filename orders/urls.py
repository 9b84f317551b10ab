from django.urls import path
from django.views.i18n import set_language

from orders import correction_views, views

app_name = "orders"

urlpatterns = [
    path("", views.find, name="home"),
    path("theme-<slug:version>.css", views.theme_stylesheet, name="theme"),
    path("language/", set_language, name="language"),
    path("orders/", views.order_list, name="list"),
    path("orders/find/", views.find, name="find"),
    path("orders/find/number/", views.find_number, name="find_number"),
    path("orders/find/card/", views.find_card, name="find_card"),
    path("orders/find/link/", views.find_link, name="find_link"),
    path("orders/find/link/sent/", views.link_sent, name="link_sent"),
    path("orders/correct-email/", correction_views.correct_email, name="correct_email"),
    path("orders/correct-email/check/", correction_views.correct_email_check, name="correct_email_check"),
    path("orders/correct-email/undo/<str:token>/", correction_views.undo_correction, name="undo_correction"),
    path("orders/leave/", views.leave, name="leave"),
    path("orders/<uuid:public_id>/", views.order_page, name="order"),
    path("orders/<uuid:public_id>/code/", views.code, name="code"),
    path("orders/<uuid:public_id>/code/again/", views.code_again, name="code_again"),
    path("orders/<uuid:public_id>/invoice/", views.invoice, name="invoice"),
    path("orders/<uuid:public_id>/invoice.pdf", views.invoice_as_pdf, name="invoice_as_pdf"),
    path("orders/<uuid:public_id>/confirmation/", views.confirmation, name="confirmation"),
    path("access/<str:token>/", views.access_link, name="access"),
    path("access/<str:token>/renew/", views.renew_access_link, name="renew_access"),
]
