"""The list of what a carrier's text may bring to the page."""

from __future__ import annotations

import pytest

from bot.phones.markup import at_home, chat_markup, linked


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<b>300</b> &lt;lei&gt;", "<b>300</b> &lt;lei&gt;"),
        ("<b onclick='x()'>a</b>", "<b>a</b>"),
        ("<script>x()</script>", "x()"),
        ("<img src=x onerror=y>a", "a"),
        ('<a href="javascript:x()">a</a>', "a"),
        (
            '<a href="https://a.example/?q=%22&amp;b" onclick="x()">a</a>',
            '<a href="https://a.example/?q=%22&amp;b" target="_blank" rel="noopener">a</a>',
        ),
        ("<i>open", "<i>open</i>"),
        ("</b>a", "a"),
    ],
)
def test_only_tags_of_the_list_pass(html: str, shown: str) -> None:
    assert chat_markup(html) == shown


def test_addresses_in_words_become_links_without_their_full_stop() -> None:
    assert linked('See http://a.example/x. "<') == (
        'See <a href="http://a.example/x" target="_blank" rel="noopener">http://a.example/x</a>. &#34;&lt;'
    )


def test_pay_pages_are_where_the_demo_listens_today() -> None:
    told = "http://127.0.0.1:41234/pay/abc and http://127.0.0.1:41234/other and http://a.example/pay/abc"
    assert at_home(told, "http://127.0.0.1:8080") == (
        "http://127.0.0.1:8080/pay/abc and http://127.0.0.1:41234/other and http://a.example/pay/abc"
    )
