// Opens the page with what a system asks for: less motion, colours of its own, a light theme.
const it = await open({ reducedMotion: "reduce", forcedColors: "active", colorScheme: "light" });
await it.tick(3);
const seen = await it.page.evaluate(() => ({
  moving: document.getAnimations().length,
  light: document.documentElement.dataset.theme,
  marks: [".mark", ".ribbon i"].map((selector) => getComputedStyle(document.querySelector(selector)).forcedColorAdjust),
  pressed: getComputedStyle(document.querySelector("#ranges [aria-pressed=true]")).outlineStyle === "solid",
}));
await it.page.close();
return seen;
