// What the theme leaves to do. It loads this once a page; nothing of it is needed to read.
document$.subscribe(() => {
  const article = document.querySelector("article");
  const korean = document.documentElement.lang === "ko";

  // The theme adds its buttons to a listing when that comes into view.
  const tidy = () => {
    article.querySelectorAll(".md-code__nav:not([aria-label])").forEach((bar) => {
      const number = article.querySelectorAll(".md-code__nav[aria-label]").length + 1;
      bar.setAttribute("aria-label", `${korean ? "코드 도구" : "Code tools"} ${number}`);
    });

    // A table that is wider than the screen is scrolled by its keys too.
    article.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])").forEach((wrap) => (wrap.tabIndex = 0));

    // The copy button of a console takes what one types, without the prompts and what was printed.
    article.querySelectorAll(":is(.language-console, .language-ps1con) [data-clipboard-target]").forEach((button) => {
      const lines = button.closest("pre").querySelector("code").textContent.split("\n");
      const typed = lines.filter((line) => /^(\$|PS>) /.test(line)).map((line) => line.replace(/^\S+ /, ""));
      button.setAttribute("data-clipboard-text", typed.join("\n"));
      button.removeAttribute("data-clipboard-target");
    });
  };
  if (article) {
    new MutationObserver(tidy).observe(article, { childList: true, subtree: true });
    tidy();
  }

  // A link into a folded diff unfolds it.
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details")) target.open = true;
  };
  unfold();
  window.addEventListener("hashchange", unfold);
});
