from django.urls import URLPattern, path

from support.views import articles, claims, contact, genuine, places, threads

app_name = "support"

urlpatterns: list[URLPattern] = [
    path("payment-methods/", places.cards, name="cards"),
    path("contacts/", places.contacts, name="contacts"),
    path("stores/", places.stores, name="stores"),
    path("genuine/", genuine.genuine, name="genuine"),
    path("help/", articles.help_page, name="help"),
    path("help/search/", articles.search_page, name="search"),
    path("help/preview/<int:pk>/", articles.preview, name="article_preview"),
    path("help/charged/", claims.charged, name="charged"),
    path("help/contact/", contact.contact, name="contact"),
    path("help/threads/link-sent/", threads.link_sent, name="thread_link_sent"),
    path("help/threads/open/<token:token>/", threads.open_thread, name="open_thread"),
    path("help/threads/open/<token:token>/renew/", threads.renew_link, name="renew_thread_link"),
    path("help/threads/<slug:reference>/", threads.thread, name="thread"),
    path("help/threads/<slug:reference>/solved/", threads.solved, name="thread_solved"),
    path("help/threads/<slug:reference>/link/", threads.ask_for_link, name="ask_for_thread_link"),
    # Last, so that no article takes the place of a page.
    path("help/<slug:slug>/", articles.article, name="article"),
    path("help/<slug:slug>/vote/", articles.vote, name="article_vote"),
]
