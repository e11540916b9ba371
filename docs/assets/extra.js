// Three things that the theme leaves to do. It loads this once a page, and needs nothing of it.
document$.subscribe(() => {
  // The copy button of a console takes what one types, without the prompts and what was printed.
  document.querySelectorAll(".console.highlight").forEach((block) => {
    const lines = block.querySelector("code").textContent.split("\n");
    const typed = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
    block.querySelectorAll("[data-clipboard-target]").forEach((button) => {
      button.setAttribute("data-clipboard-text", typed.join("\n"));
      button.removeAttribute("data-clipboard-target");
    });
  });

  // A link into a folded diff unfolds it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details")) target.open = true;
  };
  unfold();
  window.addEventListener("hashchange", unfold);

  // The search dialog and the tool bars of code have no name for those who listen to the page.
  const korean = document.documentElement.lang === "ko";
  document.querySelector("[data-md-component=search]")?.setAttribute("aria-label", korean ? "검색" : "Search");
  document.querySelectorAll(".md-code__nav").forEach((bar) => {
    bar.setAttribute("aria-label", korean ? "코드 도구" : "Code tools");
  });
});
