"""A site that looks like Medium: feeds, lists, pages, articles, and a search filled by script."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from hotstream_reactive.testing import RecordedSite, Reply, Request

NEWEST = datetime(2026, 6, 30, 12, tzinfo=UTC)
FEED_SIZE = 10
PAGE_SIZE = 10
GUARD = "])}while(1);</x>"


@dataclass(frozen=True, kw_only=True)
class Story:
    """An invented story."""

    number: int
    author: str = "ada"
    publication: str = ""
    tag: str = "fog"
    locked: bool = False

    @property
    def id(self) -> str:
        return f"{0xABC000000000 + self.number:012x}"

    @property
    def at(self) -> datetime:
        return NEWEST - timedelta(hours=self.number)

    @property
    def created_at(self) -> str:
        return self.at.isoformat().replace("+00:00", "Z")

    @property
    def ms(self) -> int:
        return int(self.at.timestamp() * 1000)

    @property
    def title(self) -> str:
        return f"Fog & light, part {self.number}"

    @property
    def slug(self) -> str:
        return f"fog-light-part-{self.number}-{self.id}"

    @property
    def address(self) -> str:
        return f"https://medium.com/{self.publication or '@' + self.author}/{self.slug}"

    @property
    def text(self) -> str:
        return f"Number {self.number} begins.\nIt ends < here."

    @property
    def claps(self) -> int:
        return 5000 - self.number


class MediumSite(RecordedSite):
    """The site.

    Attributes:
        stories: by name of the feed: ``@ada``, a publication, ``tag/<tag>``; newest first.
    """

    def __init__(self, stories: int = 35) -> None:
        super().__init__()
        own = [Story(number=n, locked=n % 7 == 3) for n in range(stories)]
        shared = [Story(number=1000 + n, author="bo", publication="harbour") for n in range(25)]
        self.stories: dict[str, list[Story]] = {
            "@ada": own,
            "@bo": shared,
            "@nobody": [],
            "harbour": shared,
            "tag/fog": (own + shared)[:FEED_SIZE],
            "tag/slow-light": own[:3],
        }
        self.etags = True

    @property
    def all_stories(self) -> list[Story]:
        return self.stories["@ada"] + self.stories["harbour"]

    async def page(self, request: Request) -> Reply:
        words = [word for word in request.path.split("/") if word]
        match words:
            case ["feed", *name]:
                return self._feed("/".join(name), request)
            case ["p", identity] | [_, identity] if self._story(identity):
                return self._article(identity)
            case ["_", "api", _, name, *_]:
                return self._list(name, int(request.query["page"]))
            case ["_", "graphql"]:
                return self._graphql(request)
            case ["search"]:
                return Reply(body=SEARCH_PAGE)
            case [name, "latest"] if request.query.get("format") == "json":
                return self._list(name, 0)
            case _ if "/".join(words) in self.stories:
                return self._page("/".join(words))
        return Reply(status=404, body="<html><head><title>404</title></head></html>")

    def _story(self, word: str) -> Story | None:
        return next((one for one in self.all_stories if word.endswith(one.id)), None)

    def _feed(self, name: str, request: Request) -> Reply:
        if name not in self.stories:
            return Reply(status=404, body="<html><body>404</body></html>")
        stories = self.stories[name][:FEED_SIZE]
        tag = f'"{name}-{len(stories)}"'
        if self.etags and request.headers.get("if-none-match") == tag:
            return Reply(status=304, headers={"ETag": tag})
        return Reply(
            body=feed(name, stories),
            content_type="text/xml; charset=utf-8",
            headers={"ETag": tag} if self.etags else {},
        )

    def _list(self, name: str, page: int) -> Reply:
        if name not in self.stories:
            return Reply(status=404, body=f'{GUARD}{{"success":false,"error":"Not found"}}')
        stories = self.stories[name]
        shown = stories[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
        has_more = len(stories) > (page + 1) * PAGE_SIZE
        return Reply(
            body=GUARD + json.dumps(listing(name, shown, page + 1 if has_more else None)),
            content_type="application/json",
        )

    def _page(self, name: str) -> Reply:
        return Reply(body=list_page(name, self.stories[name][:FEED_SIZE]))

    def _article(self, word: str) -> Reply:
        story = self._story(word)
        assert story is not None
        return Reply(body=article_page(story, self.all_stories[5:8]))

    def _graphql(self, request: Request) -> Reply:
        asked = json.loads(request.body)[0]["variables"]
        found = [one for one in self.all_stories if asked["query"] in one.title.lower()]
        start = int(asked["page"]) * PAGE_SIZE
        shown = found[start : start + PAGE_SIZE]
        more = {"page": asked["page"] + 1, "limit": PAGE_SIZE, "__typename": "PageParams"}
        posts = {
            "__typename": "SearchPosts",
            "items": [post_object(one) for one in shown],
            "pagingInfo": {"next": more if len(found) > start + PAGE_SIZE else None},
        }
        body = json.dumps([{"data": {"search": {"__typename": "Search", "posts": posts}}}])
        return Reply(body=body, content_type="application/json")


def feed(name: str, stories: list[Story], *, snippets: bool = False) -> str:
    """A feed as Medium writes it."""
    title = (
        f"Stories by {name[1:].title()} on Medium" if name.startswith("@") else f"{name} - Medium"
    )
    items = "".join(_entry(one, snippets or name.startswith("tag/")) for one in stories)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title><![CDATA[{title}]]></title>
<link>https://medium.com/{name}?source=rss-1</link>{items}</channel></rss>"""


def _entry(story: Story, snippet: bool) -> str:
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in story.text.split("\n"))
    whole = f"<figure><img src='x'/></figure>{paragraphs}"
    body = f"<content:encoded><![CDATA[{whole}]]></content:encoded>"
    if snippet or story.locked:
        first = html.escape(story.text.split("\n")[0])
        body = (
            f'<description><![CDATA[<p class="medium-feed-snippet">{first}</p>'
            f'<p class="medium-feed-link"><a href="{story.address}">Continue reading on Medium »'
            "</a></p>]]></description>"
        )
    return f"""<item><title><![CDATA[{story.title}]]></title>
<link>{story.address}?source=rss-1</link>
<guid isPermaLink="false">https://medium.com/p/{story.id}</guid>
<category><![CDATA[{story.tag}]]></category><category>light</category>
<dc:creator><![CDATA[{story.author.title()}]]></dc:creator>
<pubDate>{format_datetime(story.at, usegmt=True)}</pubDate>
<atom:updated>{story.at:%Y-%m-%dT%H:%M:%S}.123Z</atom:updated>{body}</item>"""


def listing(name: str, stories: list[Story], next_page: int | None) -> dict[str, Any]:
    """A ``?format=json`` answer; it refers to one post that its stream does not list."""
    stray = Story(number=4000)
    posts = {
        one.id: {
            "id": one.id,
            "title": one.title,
            "uniqueSlug": one.slug,
            "creatorId": f"u-{one.author}",
            "homeCollectionId": one.publication and f"c-{one.publication}",
            "firstPublishedAt": one.ms,
            "latestPublishedAt": one.ms + 60_000,
            "visibility": 2 if one.locked else 0,
            "virtuals": {
                "subtitle": one.text.split("\n")[0],
                "totalClapCount": one.claps,
                "recommends": one.claps // 10,
                "responsesCreatedCount": 3,
                "readingTime": 4.2345,
                "tags": [{"slug": one.tag}, {"slug": "light"}],
            },
        }
        for one in [stray, *stories]
    }
    users = {
        f"u-{one.author}": {
            "userId": f"u-{one.author}",
            "name": one.author.title(),
            "username": one.author,
        }
        for one in [stray, *stories]
    }
    stream: list[dict[str, Any]] = [{"itemType": "heading", "heading": {"text": "Latest"}}]
    stream += [{"itemType": "postPreview", "postPreview": {"postId": one.id}} for one in stories]
    paging: dict[str, Any] = {"path": f"https://medium.com/_/api/users/{name}/profile/stream"}
    if next_page is not None:
        paging["next"] = {"limit": 10, "to": "1466233322114", "source": "latest", "page": next_page}
    owner = {"user": {"userId": "u-1", "username": name[1:], "name": name[1:].title()}}
    if not name.startswith("@"):
        owner = {"collection": {"id": "c-1", "slug": name, "name": name.title()}}
    collections = {"c-harbour": {"id": "c-harbour", "name": "The Harbour", "slug": "harbour"}}
    references = {"Post": posts, "User": users, "Collection": collections}
    payload = {**owner, "streamItems": stream, "references": references, "paging": paging}
    return {"success": True, "payload": payload}


def post_object(story: Story) -> dict[str, Any]:
    """A post as GraphQL gives it, everything in place."""
    return {
        "__typename": "Post",
        "id": story.id,
        "title": story.title,
        "mediumUrl": story.address,
        "isLocked": story.locked,
        "visibility": "LOCKED" if story.locked else "PUBLIC",
        "clapCount": story.claps,
        "postResponses": {"count": 3},
        "firstPublishedAt": story.ms,
        "latestPublishedAt": story.ms + 60_000,
        "readingTime": 4.2345,
        "extendedPreviewContent": {"subtitle": story.text.split("\n")[0]},
        "creator": {"__typename": "User", "id": "u1", "name": "Ada", "username": story.author},
        "collection": None,
        "tags": [{"__typename": "Tag", "id": story.tag}],
    }


def state(stories: list[Story], *, whole: Story | None = None) -> dict[str, Any]:
    """Page state: posts by key, everything else by reference."""
    objects: dict[str, Any] = {}
    for one in stories:
        found = post_object(one)
        found["creator"] = {"__ref": f"User:{one.author}"}
        found["tags"] = [{"__ref": f"Tag:{one.tag}"}, {"__ref": "Tag:light"}]
        if one.publication:
            found["collection"] = {"__ref": f"Collection:{one.publication}"}
            name = {"id": one.publication, "slug": one.publication, "name": "The Harbour"}
            objects[f"Collection:{one.publication}"] = {"__typename": "Collection", **name}
        author = {"id": one.author, "name": one.author.title(), "username": one.author}
        objects[f"User:{one.author}"] = {"__typename": "User", **author}
        objects[f"Tag:{one.tag}"] = {"__typename": "Tag", "id": one.tag}
        objects[f"Post:{one.id}"] = found
    if whole is not None:
        lines = [("H3", whole.title), *(("P", line) for line in whole.text.split("\n"))]
        keys = []
        for place, (kind, text) in enumerate(lines):
            key = f"Paragraph:{whole.id}_{place}"
            objects[key] = {"__typename": "Paragraph", "type": kind, "text": text}
            keys.append({"__ref": key})
        objects[f"Post:{whole.id}"]['content({"postMeteringOptions":{}})'] = {
            "isLockedPreviewOnly": whole.locked,
            "bodyModel": {"__typename": "RichText", "paragraphs": keys},
        }
    return objects


def article_page(story: Story, others: list[Story]) -> str:
    """An article's page, whose state holds recommended posts as well."""
    objects = state([*others, story], whole=story)
    key = f'postResult({{"id":"{story.id}"}})'
    objects["ROOT_QUERY"] = {"__typename": "Query", key: {"__ref": f"Post:{story.id}"}}
    data = {"@context": "http://schema.org", "@type": "NewsArticle", "headline": "x"}
    return f"""<!doctype html><html><head><title>{html.escape(story.title)} | Medium</title>
<link rel="canonical" href="{story.address}"><meta property="og:type" content="article">
<meta property="al:android:url" content="medium://p/{story.id}">
<script type="application/ld+json">{json.dumps(data)}</script></head><body><article><section>
<h1>{html.escape(story.title)}</h1><p>Shown</p></section></article>
<script src="/cdn-cgi/challenge-platform/scripts/x.js"></script>
<script>window.__APOLLO_STATE__ = {script_json(objects)};window.__X__ = 1</script></body></html>"""


def list_page(name: str, stories: list[Story]) -> str:
    """The page of an account or a tag."""
    objects = state(stories)
    posts = {"posts": [{"__ref": f"Post:{one.id}"} for one in stories]}
    more = {"next": {"from": "x", "limit": 10}}
    connection = {'homepagePostsConnection({"paging":{}})': {**posts, "pagingInfo": more}}
    word = "userResult" if name.startswith("@") else "collectionByDomainOrSlug"
    handle = {"username": name[1:]} if name.startswith("@") else {"slug": name}
    objects["ROOT_QUERY"] = {f'{word}({{"x":1}})': {"id": "1", **handle, **connection}}
    return f"""<!doctype html><html><head><title>{name} – Medium</title>
<meta property="og:site_name" content="Medium"></head><body><div id="root"></div>
<script>window.__APOLLO_STATE__ = {script_json(objects)}</script></body></html>"""


def script_json(value: object) -> str:
    """JSON as it may stand in a script."""
    return json.dumps(value).replace("<", "\\u003C")


SEARCH_PAGE = """<!doctype html><html><head><title>Search | Medium</title>
<meta property="og:site_name" content="Medium"></head><body>
<div id="root" style="height: 3000px"></div><script>
window.__APOLLO_STATE__ = {"ROOT_QUERY": {"__typename": "Query"}};
const query = new URLSearchParams(location.search).get("q").toLowerCase();
let page = 0, busy = false, more = true;
async function load() {
  if (busy || !more) return;
  busy = true;
  const answer = await fetch("/_/graphql", {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify([{operationName: "SearchQuery", variables: {query, page}}]),
  });
  const data = await answer.json();
  more = data[0].data.search.posts.pagingInfo.next !== null;
  page += 1;
  busy = false;
}
window.addEventListener("scroll", load);
load();
</script></body></html>"""
