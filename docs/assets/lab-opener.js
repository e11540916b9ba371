// The button that opens the lab. Until it is clicked, a page loads nothing else of the lab.
document.querySelectorAll(".lab-opener").forEach((opener) => {
  const button = opener.querySelector("button");
  const note = opener.querySelector("p");
  const { stage, where, shared, unable, failed } = opener.dataset;
  const root = new URL(where, location.href);

  const able =
    typeof Worker === "function" &&
    typeof WebAssembly === "object" &&
    typeof DecompressionStream === "function" &&
    typeof HTMLDialogElement === "function";
  if (!able) {
    button.hidden = true;
    note.textContent = unable;
    return;
  }
  button.hidden = false;

  // A link may carry a state of the files. Nothing is loaded for it before the reader clicks.
  if (location.hash.startsWith(`#lab=${stage}.`)) {
    note.prepend(`${shared} `);
    opener.scrollIntoView();
  }

  const load = (name) =>
    new Promise((resolve, reject) => {
      const style = name.endsWith(".css");
      const element = document.createElement(style ? "link" : "script");
      if (style) element.rel = "stylesheet";
      element[style ? "href" : "src"] = new URL(name, root).href;
      element.onload = resolve;
      element.onerror = () => reject(new Error(name));
      document.head.append(element);
    });

  let loading;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      loading ??= Promise.all(opener.dataset.load.split(" ").map(load));
      await loading;
      await window.openLab({ ...window.labStages[stage], where: root.href });
    } catch (error) {
      console.error(error);
      loading = undefined;
      note.textContent = failed;
    }
    button.disabled = false;
  });
});
