// Plays the page's video: by hls.js where there are Media Source Extensions, else by the browser's own HLS.
"use strict";
const video = document.querySelector("video");
if (Hls.isSupported()) {
  const hls = new Hls();
  hls.loadSource(video.dataset.hls);
  hls.attachMedia(video);
} else {
  video.src = video.dataset.hls;
}
