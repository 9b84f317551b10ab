from django.urls import URLPattern, path

from support.views import claims, contact, country_pages, genuine, help_pages, threads

app_name = "support"

urlpatterns: list[URLPattern] = [
    path("payment-methods/", country_pages.cards, name="cards"),
    path("contacts/", country_pages.contacts, name="contacts"),
    path("stores/", country_pages.stores, name="stores"),
    path("genuine/", genuine.genuine, name="genuine"),
    path("help/", help_pages.help_page, name="help"),
    path("help/search/", help_pages.search_page, name="search"),
    path("help/preview/<int:pk>/", help_pages.preview, name="article_preview"),
    path("help/charged/", claims.charged, name="charged"),
    path("help/contact/", contact.contact, name="contact"),
    path("help/threads/link-sent/", threads.link_sent, name="thread_link_sent"),
    path("help/threads/open/<token:token>/", threads.open_thread, name="open_thread"),
    path("help/threads/open/<token:token>/renew/", threads.renew_link, name="renew_thread_link"),
    path("help/threads/<slug:reference>/", threads.thread, name="thread"),
    path("help/threads/<slug:reference>/solved/", threads.mark_solved, name="thread_solved"),
    path("help/threads/<slug:reference>/link/", threads.request_link, name="request_thread_link"),
    # Last, so that no article's slug hides another page.
    path("help/<slug:slug>/", help_pages.article, name="article"),
    path("help/<slug:slug>/vote/", help_pages.vote, name="article_vote"),
]
