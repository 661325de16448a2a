// Keys of the inbox: j and k walk the lines, every other key presses the control of the line that carries it.
(() => {
  if (window.plumblineDetectionReady) return;
  window.plumblineDetectionReady = true;

  const typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true]");
  const lines = () => [...document.querySelectorAll("main [data-signal]")];
  let leader = 0;
  let last = null;

  // A dialog that closes leaves the focus nowhere; the keys are then still about the line that had it.
  document.addEventListener("focusin", (event) => {
    last = event.target.closest?.("[data-signal]") ?? last;
  });
  const current = () => {
    const focused = document.activeElement;
    return focused?.closest("[data-signal]") ?? (focused === document.body && last?.isConnected ? last : null);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open], [role=dialog], [role=alertdialog]")) return;
    if (event.key === "g") {
      leader = Date.now();
      return;
    }
    const isDestination = leader && Date.now() - leader < 1200;
    leader = 0;
    const all = isDestination ? [] : lines();
    if (!all.length) return;
    const line = current();
    if (event.key === "j" || event.key === "k") {
      const at = all.indexOf(line);
      const next = at < 0 ? (event.key === "j" ? 0 : all.length - 1) : at + (event.key === "j" ? 1 : -1);
      const target = all[Math.max(0, Math.min(next, all.length - 1))];
      target.querySelector(".line-opener").focus();
      target.scrollIntoView({ block: "nearest" });
      return;
    }
    const control = line?.querySelector(`[data-row-key="${CSS.escape(event.key)}"]`);
    if (!control) return;
    event.preventDefault();
    control.click();
    // The pressed control may be gone with the answer; the line is what the next key is about.
    line.querySelector(".line-opener").focus();
  });
})();
