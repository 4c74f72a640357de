"""The web page: server-rendered HTML with small modules of JavaScript, no build step and no outside hosts."""
