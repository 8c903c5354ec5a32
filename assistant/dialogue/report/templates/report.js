"use strict";
// Click or keys on a time axis: hear from there. One dialogue sounds at a time.

const STEP_S = 0.5, LEAP_S = 5, MOST_ZOOM = 64;

for (const dialogue of document.querySelectorAll(".dialogue")) bringToLife(dialogue);
window.addEventListener("hashchange", openTarget);
openTarget();

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}

function bringToLife(dialogue) {
  const audio = dialogue.querySelector("audio");
  const canvas = dialogue.querySelector(".canvas");
  const scroller = dialogue.querySelector(".scroller");
  const playhead = dialogue.querySelector(".playhead");
  if (!canvas) return;
  const seconds = Number(canvas.dataset.seconds);
  let moment = 0, zoom = 1;

  function show(time) {
    moment = Math.min(Math.max(time, 0), seconds);
    playhead.hidden = false;
    playhead.style.left = `${(100 * moment) / seconds}%`;
    canvas.setAttribute("aria-valuenow", moment.toFixed(1));
    canvas.setAttribute("aria-valuetext", `${moment.toFixed(1)} s`);
    const x = (moment / seconds) * canvas.clientWidth;
    if (x < scroller.scrollLeft || x > scroller.scrollLeft + scroller.clientWidth)
      scroller.scrollLeft = x - scroller.clientWidth / 3;
  }

  function seek(time) {
    show(time);
    if (!audio) return;
    const there = moment; // what follows "metadata" must not be a later moment
    if (audio.readyState > 0) audio.currentTime = there;
    else audio.addEventListener("loadedmetadata", () => { audio.currentTime = there; }, { once: true });
  }

  function hearFrom(time) {
    seek(time);
    if (audio) audio.play().catch(() => {}); // a browser that forbids it shows its own controls all the same
  }

  function zoomTo(wanted, x = scroller.clientWidth / 2) {
    const before = (scroller.scrollLeft + x) / canvas.clientWidth;
    zoom = Math.min(Math.max(wanted, 1), MOST_ZOOM);
    canvas.style.width = `${100 * zoom}%`;
    scroller.scrollLeft = before * canvas.clientWidth - x;
  }

  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    hearFrom(((event.clientX - box.left) / box.width) * seconds);
  });

  const keys = {
    ArrowLeft: () => seek(moment - STEP_S),
    ArrowRight: () => seek(moment + STEP_S),
    PageUp: () => seek(moment - LEAP_S),
    PageDown: () => seek(moment + LEAP_S),
    Home: () => seek(0),
    End: () => seek(seconds),
    " ": () => (!audio || audio.paused ? hearFrom(moment) : audio.pause()),
    Enter: () => hearFrom(moment),
    "+": () => zoomTo(zoom * 2),
    "=": () => zoomTo(zoom * 2),
    "-": () => zoomTo(zoom / 2),
    0: () => zoomTo(1),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // a pinch comes as a wheel with ctrl
    event.preventDefault();
    zoomTo(zoom * Math.exp(-event.deltaY / 200), event.clientX - scroller.getBoundingClientRect().left);
  }, { passive: false });

  for (const button of dialogue.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => zoomTo(zoom * Number(button.dataset.zoom)));

  for (const button of dialogue.querySelectorAll("[data-at]"))
    button.addEventListener("click", () => {
      hearFrom(Number(button.dataset.at));
      scroller.scrollIntoView({ block: "nearest" });
    });

  if (!audio) return;
  function follow() {
    show(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  }
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    follow();
  });
  audio.addEventListener("seeked", () => show(audio.currentTime));
}
