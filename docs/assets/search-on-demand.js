// The theme fetches the index of the search, which is larger than all the rest of a page together, with
// every page. Here its request waits until somebody is about to search: the box has the focus then.
(() => {
  const wanted = new Promise((resolve) => {
    const look = ({ target }) => target.matches?.("[name=query], #__search") && resolve();
    for (const event of ["focusin", "change", "pointerover"]) document.addEventListener(event, look);
  });
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...more) {
    this.waits = String(url).endsWith("search/search_index.json");
    return open.call(this, method, url, ...more);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (this.waits) wanted.then(() => send.call(this, body));
    else send.call(this, body);
  };
})();

// The index has the pages of both languages. The search gets those of the language of this page.
(() => {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...more) {
    const docs = message?.data?.docs;
    if (!docs) return postMessage.call(this, message, ...more);
    const korean = document.documentElement.lang === "ko";
    const own = docs.filter(({ location }) => location.startsWith("ko/") === korean);
    return postMessage.call(this, { ...message, data: { ...message.data, docs: own } }, ...more);
  };
})();
