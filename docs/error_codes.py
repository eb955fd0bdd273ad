"""What the codes of errors mean, for docs/make_error_reference.py: (meaning, what to do)."""

from __future__ import annotations

_WALL = "run an instance of your own, or use another proxy; it is never solved or skipped"
_LOOK = "look at the page that the message says was kept, and report it: the site may have changed"
_NO_PERSON = "write the right name into the task, or remove it"
_NOTHING = "nothing; when it stays, look at the site with a browser"
_SLOWER = "lower `requests_per_minute` of the platform"
_OTHER_INSTANCE = "replace the instance in `platforms.twitter.instances`"

MEANINGS = {
    # targets that are not there
    "account_not_found": ("The platform says that there is no such account.", _NO_PERSON),
    "account_protected": ("The posts of the account are for its followers only.", _NO_PERSON),
    "account_suspended": ("The platform has suspended the account.", _NO_PERSON),
    "all_instances_failed": (
        "No Nitter instance helped, each for a reason of its own; the message names them.",
        "see the codes of the instances in the message; tried again sooner where one may recover",
    ),
    "all_targets_failed": (
        "No target could be read, each for a reason of its own; the message names them.",
        "see the codes of the targets in the message",
    ),
    "bad_account": ("What stands in `accounts` can be no account of the platform.", _NO_PERSON),
    "bad_article": (
        "What stands in `articles` is no address or id.",
        "mend the task's options",
    ),
    "bad_keyword": ("A keyword does not fit the `kind` of search.", "mend the task's keywords"),
    "invalid_tweet_id": ("The number of the post is none.", "mend the address in the task"),
    "list_not_found": ("There is no such list.", "mend the address in the task"),
    "not_found": ("The platform says that there is no such thing.", _NO_PERSON),
    "page_not_found": ("The instance knows no such page.", "mend the address in the task"),
    "tweet_not_found": ("There is no such post, or it was removed.", "remove it from the task"),
    "unknown_category": ("Juejin has no category of this name.", "mend the task's keywords"),
    "unknown_tag": ("Juejin has no tag of this name.", "mend the task's keywords"),
    # tasks and settings to be mended
    "bad_address": ("An address cannot be understood.", "mend it in the task or in `config.toml`"),
    "bad_credentials": (
        "The platform refused user and password.",
        "mend `username` and `password` of the platform, then `hotstream retry TASK`",
    ),
    "bad_option": ("An option of the task has a value that it cannot have.", "mend `options`"),
    "no_accounts": ("The task names no account that could be read.", "name one in `accounts`"),
    "no_extractor": (
        "A plugin yields raw records and there is no extractor for its platform.",
        "install the extractor, or let the adapter yield `DataItem`",
    ),
    "no_instances": (
        "No Nitter instance is configured.",
        "set `platforms.twitter.instances`, then `hotstream retry TASK`",
    ),
    "no_keywords": ("The task names no keyword to search for.", "name one in `keywords`"),
    "no_socks": (
        "A SOCKS proxy is configured and its library is not installed.",
        "`pip install 'httpx[socks]'`, or use a proxy that starts with `http://`",
    ),
    "query_too_long": ("A single keyword is longer than a search may be.", "shorten it"),
    "robots": (
        "robots.txt of the site forbids the address.",
        "do not collect there; `respect_robots = false` if you may nevertheless",
    ),
    # walls
    "anubis": ("Anubis asks for a proof of work.", 'allow the browser (`browser = "auto"`)'),
    "bot_wall": ("A bot wall checks the browser.", 'allow the browser (`browser = "auto"`)'),
    "captcha": ("The site asks a person to prove to be one.", _WALL),
    "cloudflare": ("Cloudflare asks for a challenge.", _WALL),
    "cloudflare_block": ("Cloudflare refuses access.", _WALL),
    "ddos_guard": ("DDoS-Guard checks the browser.", _WALL),
    "empty_body": ("An answer without content: the site silently refuses this client.", _WALL),
    "login_required": ("The site wants a signed-in session.", "give it one: `storage_state`"),
    "login_wall": ("A page to sign in came instead.", "give the platform a session of yours"),
    "session_unreadable": (
        "The file in `storage_state` is no saved session.",
        "save it anew; the task goes on by itself then",
    ),
    "verifying_browser_pow": (
        "The instance verifies the browser with a script and a cookie.",
        'allow the browser (`browser = "auto"`)',
    ),
    "zhihu_signin": ("Zhihu asks to sign in.", "see [zhihu](platforms/zhihu.md#the-session)"),
    "zhihu_unhuman": (
        "Zhihu asks for a human check.",
        "pass it by hand in your own browser, save the session anew, and go slower",
    ),
    "zhihu_zse_ck": ("Zhihu's script challenge was not passed by the browser.", _NOTHING),
    # pace
    "cloudflare_rate_limit": ("Cloudflare limits this client (error 1015).", _SLOWER),
    "cooling_down": ("The site asked for a pause, and it is not over.", _SLOWER),
    "crawl_delay": ("robots.txt wants a long pause between requests.", "nothing"),
    "cut": ("The site cuts connections, as it does when it is asked too often.", _SLOWER),
    "http_429": ("HTTP 429: too many requests.", _SLOWER),
    "rate_limited": ("The site asks for a slower pace.", _SLOWER),
    # the way there
    "body_too_large": ("The page is larger than `fetch.max_body_mb`.", "raise it if that is right"),
    "browser": (
        "The browser crashed, or could not be started.",
        "`hotstream doctor`; often memory or `/dev/shm`",
    ),
    "connect": ("No connection to the host.", "look whether the site or instance is up"),
    "content_encoding": ("The answer is compressed in a way that was not asked for.", _NOTHING),
    "dns": ("The name of the host is not known.", "look at the address and the resolver"),
    "forbidden_address": (
        "An address from a task or a page leads into a private network.",
        "name it in `config.toml` if it is yours",
    ),
    "network": ("The connection was cut.", "nothing; when it stays, look at the network"),
    "no_browser": (
        "A browser is needed, and there is none or it may not be used.",
        "`playwright install chromium`, or name one in `fetch.chromium`",
    ),
    "no_data": ("The page asked for none of its data in time.", "raise `fetch.timeout`"),
    "proxy": ("No proxy works.", "look at `fetch.proxies`"),
    "redirects": ("Redirects in a circle, or too many.", "look at the address in a browser"),
    "robots_unavailable": ("robots.txt cannot be read, so nothing is asked.", _NOTHING),
    "timeout": (
        "No complete answer in time, or the run was longer than the task's `timeout`.",
        "raise `fetch.timeout`, or `timeout` of the task",
    ),
    "tls": ("The certificate of the host is not good.", "look at the site; it is not skipped"),
    # pages that are something else
    "about_page": ("The page tells about Nitter instead of showing posts.", _OTHER_INSTANCE),
    "broken_json": ("The answer begins like JSON and is none.", _NOTHING),
    "empty_suspect": ("Nothing is shown where there must be something.", _WALL),
    "error_panel": ("The instance shows an error that is not known.", _LOOK),
    "html_instead_of_json": ("A page came where data was asked for: a refusal.", _WALL),
    "instance_error": ("The instance says that an error occurred.", "nothing, or another instance"),
    "layout_changed": (
        "Records came and not one of them could be understood.",
        "`hotstream parse PLATFORM FILE` on a saved page; the platform's code needs mending",
    ),
    "network_error": ("The instance could not reach Twitter.", "nothing, or another instance"),
    "no_content": ("The page holds nothing of what it should.", _LOOK),
    "no_feed": ("Something else came in place of a feed.", "mend the account or tag in the task"),
    "null_data": ("Null came in place of a list's first page.", _NOTHING),
    "other_page": ("A page of Nitter that shows no posts came.", _OTHER_INSTANCE),
    "parked_domain": ("The domain is parked: there is no instance any more.", _OTHER_INSTANCE),
    "platform_error": ("The platform answers with an error of its own.", _NOTHING),
    "rss_disabled": ("The instance gives no feeds.", "nothing; pages are read first anyway"),
    "rss_not_whitelisted": ("The instance gives feeds only to readers it knows.", _OTHER_INSTANCE),
    "rss_placeholder": ("The feed holds a notice in place of posts.", _OTHER_INSTANCE),
    "unreadable_items": ("Entries of a form that is not known.", _LOOK),
    "unrelated_page": ("The page has nothing of the site that was asked.", _OTHER_INSTANCE),
    "wrong_account": ("The page shows another account than asked for.", _OTHER_INSTANCE),
    "wrong_content_type": ("The answer is of another type than asked for.", _WALL),
    "wrong_page": ("Another article than asked for came.", _NOTHING),
    "wrong_post": ("Another post than asked for came.", _OTHER_INSTANCE),
}

#: Codes that are made of what the site says: (meaning, then, what to do).
PATTERNS = {
    "http_…": (
        "HTTP status: 401, 407 sign in; 403, 451 refused; 404, 410 not there; others an error.",
        "401, 407, 404, 410: fails; 403, 451: tried again later; others: tried again",
        "by the number",
    ),
    "zhihu_…": (
        "The number of Zhihu's own error; 40362 is a restriction.",
        "tried again, not before the site's time; a sign-in waits for the session",
        "go slower; see [zhihu](platforms/zhihu.md#when-it-refuses)",
    ),
}
