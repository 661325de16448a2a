// What is typed into a dialog outlasts the process of the server, which holds the page: when the page comes back without the
// dialog, it is opened again with what stood in it. Kept in memory and for this address only; passwords are not kept at all.
(() => {
  if (window.plumblineDraftsReady) return;
  window.plumblineDraftsReady = true;

  const MODAL = "[role=dialog]:not([popover])";
  const CONTROLS = "input:not([type=password], [type=hidden], [type=file]), select, textarea";
  const PATIENCE = 60_000;
  const LATE = 4_000; // fields that another field calls for arrive a moment later
  const AT_REST = 800; // a dialog that comes back by itself is faster than this

  const nameOf = (button) => button.getAttribute("aria-label") || button.textContent.trim();
  const titleOf = (dialog) => dialog.querySelector(".dialog-title")?.textContent ?? "";
  const keyOf = (control) => control.id || control.name;
  const isTick = (control) => control.type === "checkbox" || control.type === "radio";
  const valueOf = (control) => (isTick(control) ? control.checked : control.value);

  let pressed = null;
  let draft = null;
  let isFilling = false;

  function note(event) {
    const dialog = event.target.closest?.(MODAL);
    if (!dialog || isFilling) return;
    if (draft?.dialog !== dialog) {
      draft = { dialog, title: titleOf(dialog), address: location.href, opener: pressed, witness: document.querySelector("main h1") };
    }
    draft.isLeft = false;
    draft.values = new Map([...dialog.querySelectorAll(CONTROLS)].filter(keyOf).map((one) => [keyOf(one), valueOf(one)]));
    draft.at = keyOf(event.target);
  }
  document.addEventListener("input", note, true);
  document.addEventListener("change", note, true);

  // Whoever cancels, or presses Escape or beside the dialog, wants nothing kept.
  const leave = () => {
    if (draft) draft.isLeft = true;
  };
  document.addEventListener("keydown", (event) => event.key === "Escape" && leave(), true);
  document.addEventListener("pointerdown", (event) => event.target.closest?.(MODAL) || leave(), true);
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("button");
      if (!button) return;
      if (!button.closest(MODAL)) pressed = button;
      else if (button.type === "button" && button.closest(".dialog-actions")) leave();
    },
    true,
  );

  // A page that closes a dialog stands still around it; after a restart all of it is new.
  new MutationObserver(() => {
    if (!draft || draft.dialog.isConnected) return;
    const lost = draft;
    draft = null;
    if (lost.isLeft || !lost.opener || lost.witness?.isConnected || location.href !== lost.address) return;
    bringBack(lost, Date.now() + PATIENCE, 0);
  }).observe(document.documentElement, { childList: true, subtree: true });

  function bringBack(lost, until, restingSince) {
    if (draft || Date.now() > until || location.href !== lost.address) return;
    const open = document.querySelector(MODAL);
    if (open) return titleOf(open) === lost.title ? fill(open, lost, Date.now() + LATE) : undefined;
    const name = nameOf(lost.opener);
    const openers = [...document.querySelectorAll("main button:not(:disabled)")].filter((button) => nameOf(button) === name);
    const since = openers.length === 1 ? restingSince || Date.now() : 0;
    if (since && Date.now() - since > AT_REST) openers[0].click();
    const isPressed = since && Date.now() - since > AT_REST;
    setTimeout(() => bringBack(lost, until, isPressed ? 0 : since), isPressed ? 1500 : 100);
  }

  function fill(dialog, lost, until) {
    if (!dialog.isConnected) return;
    const missing = new Map(lost.values);
    isFilling = true;
    for (const control of dialog.querySelectorAll(CONTROLS)) {
      const key = keyOf(control);
      if (!missing.has(key)) continue;
      write(control, missing.get(key));
      missing.delete(key);
    }
    isFilling = false;
    draft ??= { ...lost, dialog, opener: pressed ?? lost.opener, witness: document.querySelector("main h1"), isLeft: false };
    [...dialog.querySelectorAll(CONTROLS)].find((one) => keyOf(one) === lost.at)?.focus();
    if (missing.size && Date.now() < until) setTimeout(() => fill(dialog, { ...lost, values: missing }, until), 200);
  }

  function write(control, value) {
    if (valueOf(control) === value) return;
    if (isTick(control)) return control.click();
    // React keeps its own idea of the value; the native setter followed by an event tells it too.
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(control), "value").set.call(control, value);
    control.dispatchEvent(new Event("input", { bubbles: true }));
    if (control.tagName === "SELECT") control.dispatchEvent(new Event("change", { bubbles: true }));
  }
})();
