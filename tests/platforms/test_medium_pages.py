"""Single pages, feeds and answers of Medium in all their forms."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.extractors.medium import MediumExtractor
from hotstream_reactive.model.item import normalise
from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.platforms.medium import parse_page
from hotstream_reactive.platforms.medium.links import article_id, article_place, place, tag_slug
from hotstream_reactive.testing import CHALLENGE_PAGE as CLOUDFLARE
from tests.site import medium as site
from tests.site.coroutines import result_of
from tests.site.medium import Story
from tests.site.mutations import mutated

STORIES = [Story(number=number, locked=number == 1) for number in range(3)]
BASE = "https://medium.com"


def only(text: str, **known: Any) -> dict[str, Any]:
    page = parse_page(text, **known)
    assert page.outcome is PageOutcome.OK
    assert len(page.records) == 1
    return page.records[0]


class TestFeeds:
    def test_a_user(self) -> None:
        page = parse_page(site.feed("@ada", STORIES))
        assert page.page_kind == "user_rss"
        assert page.info["profile"] == {"handle": "ada", "name": "Ada"}
        free, locked, _ = page.records
        assert free["text"] == STORIES[0].text
        assert free["url"] == STORIES[0].address, "where the reader came from is cut off"
        assert free["created_at"] == free["updated_at"] == STORIES[0].created_at
        assert "likes" not in free
        assert "locked" not in free
        assert locked["locked"] is locked["partial"] is True
        assert locked["text"] == STORIES[1].text.split("\n")[0], "the link to more is cut off"

    def test_entities_in_a_title_are_resolved(self) -> None:
        xml = site.feed("@ada", STORIES).replace("Fog & light", "Fog &amp; light")
        assert parse_page(xml).records[0]["title"] == STORIES[0].title

    def test_kinds(self) -> None:
        assert parse_page(site.feed("harbour", STORIES)).page_kind == "publication_rss"
        assert parse_page(site.feed("tag/fog", STORIES)).page_kind == "tag_rss"

    def test_a_copy_out_of_a_browser_window(self) -> None:
        xml = site.feed("@ada", STORIES).split("?>", 1)[1].replace("<![CDATA[", "\n<![CDATA[ ")
        notice = "This XML file does not appear to have any style information.\n"
        assert parse_page(notice + xml).records[0]["title"] == STORIES[0].title
        viewer = f'<html><body><div id="webkit-xml-viewer-source-xml">{xml}</div></body></html>'
        assert len(parse_page(viewer).records) == 3

    def test_no_feed_at_all(self) -> None:
        article = "<html><body><article><pre>&lt;rss&gt;</pre></article></body></html>"
        assert parse_page(article).page_kind == "failure"

    def test_empty_and_strange(self) -> None:
        assert parse_page(site.feed("@ada", [])).outcome is PageOutcome.EMPTY
        strange = site.feed("@ada", STORIES).replace("medium.com/p/", "x.example/?p=")
        strange = strange.replace(STORIES[0].slug, "a-slug")
        assert len(parse_page(strange).records) == 2
        assert parse_page(strange).info["unreadable"] == 1


class TestLists:
    def test_only_what_the_stream_lists(self) -> None:
        text = site.GUARD + json.dumps(site.listing("@ada", STORIES, 1))
        page = parse_page(text)
        assert page.page_kind == "user_latest_json"
        assert [one["id"] for one in page.records] == [one.id for one in STORIES]
        assert page.info["next_cursor"]["page"] == 1
        assert json.loads(page.next_cursor or "") == page.info["next_cursor"]
        first = page.records[0]
        assert first["likes"] == STORIES[0].claps
        assert first["recommends"] == STORIES[0].claps // 10
        assert (first["replies"], first["reading_time_min"]) == (3, 4.2)
        assert first["locked"] is False
        assert page.records[1]["locked"] is True
        assert "url" not in first, "the answer does not state it"

    def test_before_there_were_claps(self) -> None:
        listing = site.listing("@ada", STORIES[:1], None)
        del listing["payload"]["references"]["Post"][STORIES[0].id]["virtuals"]["totalClapCount"]
        assert only(json.dumps(listing))["likes"] == STORIES[0].claps // 10

    def test_the_end_of_a_list(self) -> None:
        page = parse_page(site.GUARD + json.dumps(site.listing("@ada", STORIES, None)))
        assert page.next_cursor is None

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [("Could not find user", PageOutcome.NOT_FOUND), ("Oops", PageOutcome.ERROR)],
    )
    def test_a_refusal_in_words(self, error: str, outcome: PageOutcome) -> None:
        page = parse_page(site.GUARD + json.dumps({"success": False, "error": error}))
        assert (page.outcome, page.message) == (outcome, error)

    def test_graphql(self) -> None:
        posts = {"items": [site.post_object(one) for one in STORIES]}
        page = parse_page(json.dumps([{"data": {"search": {"posts": posts}}}]))
        assert page.page_kind == "search"
        assert [one["id"] for one in page.records] == [one.id for one in STORIES]
        assert page.records[1]["locked"] is True
        none = parse_page(json.dumps([{"data": {"search": {"posts": {"items": []}}}}]))
        assert (none.page_kind, none.outcome) == ("search", PageOutcome.EMPTY)
        broken = parse_page(json.dumps([{"errors": [{"message": "no"}], "data": None}]))
        assert (broken.outcome, broken.message) == (PageOutcome.ERROR, "no")


class TestPageState:
    def test_a_list(self) -> None:
        page = parse_page(site.list_page("@ada", STORIES))
        assert page.page_kind == "user_page"
        assert [one["title"] for one in page.records] == [one.title for one in STORIES]
        assert page.records[0]["tags"] == ["fog", "light"]
        assert page.records[0]["handle"] == "ada"
        assert page.info["profile"]["handle"] == "ada"
        assert page.next_cursor is not None

    @pytest.mark.parametrize("named", ["canonical", "address", "query"])
    def test_the_article_of_the_address_and_no_recommended_one(self, named: str) -> None:
        story = Story(number=8, publication="harbour")
        text = site.article_page(story, STORIES)
        if named != "canonical":
            text = text.replace('rel="canonical"', 'rel="x"').replace("al:android:url", "x")
        url = f"https://harbour.example/{story.slug}" if named == "address" else None
        record = only(text, url=url)
        assert record["id"] == story.id
        assert record["text"] == story.text, "without its title"
        assert record["likes"] == story.claps
        assert record["publication"] == "The Harbour"
        assert record["created_at"] == story.created_at

    def test_a_preview_for_members(self) -> None:
        record = only(site.article_page(Story(number=8, locked=True), STORIES))
        assert record["locked"] is record["partial"] is True

    def test_references_of_the_older_kind(self) -> None:
        story = STORIES[0]
        post = site.post_object(story) | {
            "creator": {"type": "id", "generated": False, "id": "User:u1", "typename": "User"},
            "postResponses": {"type": "id", "id": "$Post.postResponses", "typename": "R"},
            "tags": [{"type": "id", "id": "Tag:fog", "typename": "Tag"}],
        }
        objects = {
            f"Post:{story.id}": post,
            "User:u1": {"id": "u1", "name": "Ada", "username": "ada"},
            "$Post.postResponses": {"count": 7},
            "ROOT_QUERY": {"x": {"type": "id", "id": f"Post:{story.id}", "typename": "Post"}},
        }
        text = f"<script>window.__APOLLO_STATE__ = {site.script_json(objects)}</script>"
        record = only(text)
        assert (record["author"], record["replies"], record["tags"]) == ("Ada", 7, ["fog"])

    def test_references_in_a_circle(self) -> None:
        objects = {"ROOT_QUERY": {"a": {"__ref": "User:1"}}, "User:1": {"b": {"__ref": "User:1"}}}
        text = f"<script>window.__APOLLO_STATE__ = {json.dumps(objects)}</script>"
        assert parse_page(text).records == []


class TestArticlesWithoutState:
    PAGE = """<html><head><title>Moss — Medium</title>
    <link rel="canonical" href="https://medium.com/@ada/moss-fb39f4f701bb">
    <meta property="og:type" content="article"><meta property="og:title" content="Moss">
    <meta name="author" content="Ada L"><meta name="twitter:data1" content="11 min read">
    <meta property="article:published_time" content="2020-02-02T10:00:00.000Z">{extra}
    </head><body><div class="postArticle-content"><h1>Moss</h1><p>It &amp; grows.</p>
    <pre>  a
    b</pre><button>Clap</button></div></body></html>"""

    def test_metas(self) -> None:
        record = only(self.PAGE.replace("{extra}", ""))
        assert record["id"] == "fb39f4f701bb"
        assert (record["author"], record["handle"]) == ("Ada L", "ada")
        assert record["created_at"] == "2020-02-02T10:00:00Z"
        assert record["text"].startswith("It & grows.\n  a\n")
        assert "Clap" not in record["text"]
        assert record["reading_time_min"] == 11.0
        assert "<p>" in record["html"]

    def test_linked_data_knows_the_first_publication(self) -> None:
        data = {
            "@type": "NewsArticle",
            "datePublished": "2019-01-01T00:00:00.000Z",
            "dateModified": "2020-02-02T10:00:00.000Z",
            "author": {"@type": "Person", "name": "Ada Lovelace", "url": "https://medium.com/@al"},
            "keywords": ["Tag:moss", "Topic:Gardens", "LockedPostSource:1"],
            "publisher": {"name": "The Harbour"},
            "isAccessibleForFree": "False",
        }
        extra = f'<script type="application/ld+json">{json.dumps(data)}</script>'
        record = only(self.PAGE.replace("{extra}", extra))
        assert record["created_at"] == "2019-01-01T00:00:00Z"
        assert record["updated_at"] == "2020-02-02T10:00:00Z"
        assert (record["handle"], record["tags"]) == ("al", ["moss"])
        assert (record["publication"], record["locked"]) == ("The Harbour", True)

    def test_the_script_of_2018(self) -> None:
        value = {
            "id": "fb39f4f701bb",
            "title": "Moss",
            "firstPublishedAt": 1514764800000,
            "creatorId": "u1",
            "virtuals": {"totalClapCount": 77, "responsesCreatedCount": 0},
            "visibility": 2,
        }
        references = {"User": {"u1": {"userId": "u1", "name": "Ada", "username": "ada"}}}
        data = json.dumps({"value": value, "references": references}).replace('"Moss"', '"\\x3cM"')
        extra = f'<script>// <![CDATA[\nwindow["obvInit"]({data})\n// ]]></script>'
        record = only(self.PAGE.replace("{extra}", extra))
        assert (record["likes"], record["replies"]) == (77, 0)
        assert record["created_at"] == "2018-01-01T00:00:00Z"
        assert record["title"] == "<M"
        assert record["locked"] is True


class TestFailures:
    @pytest.mark.parametrize(
        ("text", "known", "outcome"),
        [
            (CLOUDFLARE, {"status": 403}, PageOutcome.CHALLENGE),
            ("<html></html>", {"headers": {"CF-Mitigated": "challenge"}}, PageOutcome.CHALLENGE),
            ("<html><body>x</body></html>", {"status": 429}, PageOutcome.RATE_LIMITED),
            ("<html><body>Error 1015</body></html>", {}, PageOutcome.RATE_LIMITED),
            ("<html><body>x</body></html>", {"status": 404}, PageOutcome.NOT_FOUND),
            ("<html><body>x</body></html>", {"status": 410}, PageOutcome.NOT_FOUND),
            ("<html><body>x</body></html>", {"status": 503}, PageOutcome.ERROR),
            ("", {"status": 200}, PageOutcome.BLOCKED),
            ("<html><title>Garden chairs</title><p>x</p></html>", {}, PageOutcome.BLOCKED),
        ],
    )
    def test_told_apart(self, text: str, known: dict[str, Any], outcome: PageOutcome) -> None:
        page = parse_page(text, **known)
        assert page.outcome is outcome
        assert page.page_kind == "failure"
        assert page.records == []
        assert page.failure_kind
        assert page.message

    def test_a_story_about_challenges_is_a_story(self) -> None:
        story = Story(number=1)
        page = site.article_page(story, []).replace("Shown", "Just a moment... Error 1015")
        assert only(page)["id"] == story.id

    @pytest.mark.parametrize(
        "text", ["{", "[]", "[1]", '{"a":1}', "])}while(1);</x>", "null", "<rss"]
    )
    def test_never_raises(self, text: str) -> None:
        assert parse_page(text).records == []


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "identity"),
        [
            ("https://medium.com/@a/some-title-7a518e4da3?source=x#y", "7a518e4da3"),
            ("https://blog.example.com/minifying-7c9e6b0a2d73", "7c9e6b0a2d73"),
            ("https://medium.com/p/99025f03f06e", "99025f03f06e"),
            ("medium://p/99025f03f06e", "99025f03f06e"),
            ("medium:/p/99025f03f06e", "99025f03f06e"),
            ("https://medium.com/@a/latest", None),
            ("https://medium.com/@ada", None),
            ("http://[", None),
        ],
    )
    def test_ids(self, address: str, identity: str | None) -> None:
        assert article_id(address) == identity

    @pytest.mark.parametrize(
        ("given", "kind", "name"),
        [
            ("@ada", "user", "ada"),
            ("harbour", "publication", "harbour"),
            ("https://medium.com/harbour/latest", "publication", "harbour"),
            ("blog.example.com", "domain", "blog.example.com"),
            ("https://blog.example.com/", "domain", "blog.example.com"),
            ("https://medium.com/tag/fog/archive", "tag", "fog"),
            ("tag/fog", "tag", "fog"),
            ("https://ada.medium.com/moss-fb39f4f701bb", "article", "fb39f4f701bb"),
            ("https://medium.com/p/fb39f4f701bb", "article", "fb39f4f701bb"),
        ],
    )
    def test_places(self, given: str, kind: str, name: str) -> None:
        assert place(given, base=BASE)[:2] == (kind, name)

    def test_an_article_on_an_own_domain_keeps_its_address(self) -> None:
        found = article_place("https://blog.example.com/moss-fb39f4f701bb?x=1", base=BASE)
        assert found.address == "https://blog.example.com/moss-fb39f4f701bb"

    @pytest.mark.parametrize("given", ["", "@", "https://medium.com/", "ftp://x.example/a", "a b"])
    def test_no_place(self, given: str) -> None:
        with pytest.raises(Exception, match="no account of Medium"):
            place(given, base=BASE)

    def test_tags(self) -> None:
        assert tag_slug("  Machine  Learning! ") == "machine-learning"
        assert tag_slug("前端") == "前端"


@given(st.randoms(use_true_random=False), st.sampled_from((0.01, 0.05, 0.2)))
def test_what_is_almost_right_never_raises(chance: random.Random, share: float) -> None:
    listing = mutated(site.listing("@ada", STORIES, 1), chance, share)
    answer = [{"data": {"search": {"posts": {"items": [site.post_object(STORIES[0])]}}}}]
    objects = site.state(STORIES, whole=STORIES[0])
    objects["ROOT_QUERY"] = {"a": [{"__ref": key} for key in objects], "pagingInfo": {"next": {}}}
    state = site.script_json(mutated(objects, chance, share))
    for text in (
        site.GUARD + json.dumps(listing),
        json.dumps(mutated(answer, chance, share)),
        f"<script>window.__APOLLO_STATE__ = {state};</script>",
    ):
        page = parse_page(text, url=f"https://medium.com/p/{STORIES[0].id}")
        for record in page.records:
            normalise(result_of(MediumExtractor().extract(record)))
