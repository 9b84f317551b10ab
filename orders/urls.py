from django.urls import path

from orders.views import codes, corrections, find, language, links, orders, theme

app_name = "orders"

urlpatterns = [
    path("", find.home, name="home"),
    path("theme-<slug:version>.css", theme.theme_stylesheet, name="theme"),
    path("language/", language.change_language, name="language"),
    path("orders/", orders.order_list, name="list"),
    path("orders/find/", find.find, name="find"),
    path("orders/find/number/", find.find_number, name="find_number"),
    path("orders/find/card/", find.find_card, name="find_card"),
    path("orders/find/link/", find.find_link, name="find_link"),
    path("orders/find/link/sent/", find.link_sent, name="link_sent"),
    path("orders/correct-email/", corrections.correct_email, name="correct_email"),
    path("orders/correct-email/check/", corrections.correct_email_check, name="correct_email_check"),
    path("orders/correct-email/undo/<token:token>/", corrections.undo_correction, name="undo_correction"),
    path("orders/sign-out/", orders.sign_out, name="sign_out"),
    path("orders/<uuid:public_id>/", orders.order_page, name="order"),
    path("orders/<uuid:public_id>/code/", codes.code, name="code"),
    path("orders/<uuid:public_id>/code/again/", codes.code_again, name="code_again"),
    path("orders/<uuid:public_id>/invoice/", orders.invoice, name="invoice"),
    path("orders/<uuid:public_id>/invoice.pdf", orders.invoice_as_pdf, name="invoice_as_pdf"),
    path("orders/<uuid:public_id>/confirmation/", orders.confirmation, name="confirmation"),
    path("access/<token:token>/", links.access_link, name="access"),
    path("access/<token:token>/renew/", links.renew_access_link, name="renew_access"),
]
