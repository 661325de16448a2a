// What is typed into a dialog or a long form (`data-draft`) outlasts the process of the server, which holds the page: when the page
// comes back without it, it is filled again with what stood in it; what a button had opened (dialogs, and forms whose `data-draft`
// says `opened`) is opened first. Kept in memory and for this address only; passwords are not kept at all.
(() => {
  if (window.plumblineDraftsReady) return;
  window.plumblineDraftsReady = true;

  const MODAL = "[role=dialog]:not([popover])";
  const FORM = "[data-draft]";
  const SEGMENTS = "[role=group] > button[aria-pressed]"; // a choice of one, beside the controls that HTML knows
  const CONTROLS = "input:not([type=password], [type=hidden], [type=file]), select, textarea";
  const PATIENCE = 60_000;
  const LATE = 4_000; // fields that another field calls for arrive a moment later
  const AT_REST = 800; // a dialog that comes back by itself is faster than this

  const nameOf = (button) => button.getAttribute("aria-label") || button.textContent.trim();
  const placeOf = (target) => target.closest?.(MODAL) ?? target.closest?.(FORM);
  const titleOf = (place) => place.querySelector(".dialog-title")?.textContent ?? "";
  const isSegment = (control) => control.matches("button");
  const keyOf = (control) =>
    isSegment(control) ? `${control.parentElement.getAttribute("aria-label")}/${nameOf(control)}` : control.id || control.name;
  const isTick = (control) => control.type === "checkbox" || control.type === "radio";
  const valueOf = (control) =>
    isSegment(control) ? control.getAttribute("aria-pressed") === "true" : isTick(control) ? control.checked : control.value;
  const controlsOf = (place) => [...place.querySelectorAll(`${CONTROLS}, ${place.matches(FORM) ? SEGMENTS : "never"}`)].filter(keyOf);

  let pressed = null;
  let draft = null;
  let isFilling = false;

  function note(event) {
    const place = placeOf(event.target);
    if (!place || isFilling) return;
    const isDialog = place.matches(MODAL);
    if (draft?.place !== place) {
      const hasOpener = (isDialog || place.dataset.draft === "opened") && !place.contains(pressed);
      const opener = hasOpener ? pressed : null;
      draft = { place, isDialog, opener, title: titleOf(place), address: location.href, witness: document.querySelector("main h1") };
    }
    draft.isLeft = false;
    draft.values = valuesOf(place);
    draft.at = event.target;
  }
  document.addEventListener("input", note, true);
  document.addEventListener("change", note, true);

  // What two controls share names neither of them.
  function valuesOf(place) {
    const values = new Map();
    const shared = new Set();
    for (const control of controlsOf(place)) {
      const key = keyOf(control);
      if (values.has(key)) shared.add(key);
      values.set(key, valueOf(control));
    }
    shared.forEach((key) => values.delete(key));
    return values;
  }

  // Whoever cancels, or presses Escape or beside the dialog, wants nothing kept.
  const leave = () => {
    if (draft?.isDialog) draft.isLeft = true;
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

  // A page that closes a dialog stands still around it; after a restart all of it is new. A form that stays while its fields are
  // drawn anew was stored.
  new MutationObserver(() => {
    if (draft?.place.isConnected && !draft.isDialog && !draft.at.isConnected) draft = null;
    if (!draft || draft.place.isConnected) return;
    const lost = draft;
    draft = null;
    if (lost.isLeft || (lost.isDialog && !lost.opener) || lost.witness?.isConnected || location.href !== lost.address) return;
    bringBack(lost, Date.now() + PATIENCE, 0);
  }).observe(document.documentElement, { childList: true, subtree: true });

  function bringBack(lost, until, restingSince) {
    if (draft || Date.now() > until || location.href !== lost.address) return;
    const open = document.querySelector(lost.isDialog ? MODAL : FORM);
    if (open) return titleOf(open) === lost.title ? fill(open, lost, Date.now() + LATE) : undefined;
    const name = lost.opener && nameOf(lost.opener);
    const openers = [...document.querySelectorAll("main button:not(:disabled)")].filter((button) => nameOf(button) === name);
    const since = openers.length === 1 ? restingSince || Date.now() : 0;
    if (since && Date.now() - since > AT_REST) openers[0].click();
    const isPressed = since && Date.now() - since > AT_REST;
    setTimeout(() => bringBack(lost, until, isPressed ? 0 : since), isPressed ? 1500 : 100);
  }

  function fill(place, lost, until) {
    if (!place.isConnected) return;
    const missing = new Map(lost.values);
    isFilling = true;
    for (const control of controlsOf(place)) {
      const key = keyOf(control);
      if (!missing.has(key)) continue;
      write(control, missing.get(key), lost);
      missing.delete(key);
    }
    isFilling = false;
    const at = controlsOf(place).find((one) => keyOf(one) === keyOf(lost.at));
    if (at && !draft) {
      const opener = lost.opener && (pressed ?? lost.opener);
      draft = { ...lost, place, at, opener, witness: document.querySelector("main h1"), isLeft: false };
    }
    at?.focus();
    if (missing.size && Date.now() < until) setTimeout(() => fill(place, { ...lost, values: missing }, until), 200);
  }

  function write(control, value, { isDialog }) {
    if (control.disabled || valueOf(control) === value) return;
    if (isSegment(control)) return value ? control.click() : undefined;
    if (isTick(control)) return control.click();
    // React keeps its own idea of the value; the native setter followed by an event tells it too.
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(control), "value").set.call(control, value);
    control.dispatchEvent(new Event("input", { bubbles: true }));
    if (control.tagName === "SELECT") control.dispatchEvent(new Event("change", { bubbles: true }));
    // Fields of a page tell the server when they are left.
    if (!isDialog) control.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
  }
})();
