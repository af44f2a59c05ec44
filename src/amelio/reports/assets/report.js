// Draws the charts when they come into view, and again when the colour scheme changes.
"use strict";
(() => {
  const held = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const views = new Map();
  const tip = document.getElementById("tip");
  const refuse = () => Promise.reject(new Error("a report loads nothing"));
  const loader = {load: refuse, sanitize: refuse, http: refuse, file: refuse};
  let printing = false;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function theme(place) {
    const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line");
    const font = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif";
    const series = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(colour);
    const text = {labelColor: soft, titleColor: soft, labelFont: font, titleFont: font,
      labelFontSize: 11, titleFontSize: 11, titleFontWeight: "normal"};
    return {
      background: "transparent", font, view: {stroke: "transparent"},
      axis: {...text, gridColor: line, domainColor: line, tickColor: line, labelLimit: 165,
        labelOverlap: "greedy", labelSeparation: 5},
      axisX: {grid: false, labelFlush: false}, legend: {...text, symbolSize: 60, orient: place.clientWidth < 460 ? "bottom" : "right", layout: {bottom: {direction: "vertical", anchor: "start"}}},
      scale: {zero: false}, header: {...text, labelFontSize: 11}, title: {color: ink},
      line: {strokeWidth: 2, color: series[0]}, point: {filled: true, size: 45, color: series[0]},
      bar: {color: series[0]}, text: {color: ink}, rule: {color: soft},
      range: {category: series, heatmap: ["#e6ebfd", "#6f87e8", "#2f49b8"],
        ramp: dark.matches && !printing
          ? ["#3d4766", "#8ea4ff", "#e9edff"] : ["#c8d3fa", "#5873e0", "#1c2f86"]},
    };
  }

  // DVC gives every revision a colour of its own; here the workspace stands out.
  function tinted(node) {
    if (Array.isArray(node)) return node.map(tinted);
    if (node === null || typeof node !== "object") return node;
    const made = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, tinted(value)]));
    if (made.field === "rev" && made.scale && Array.isArray(made.scale.domain)) {
      const one = made.scale.domain.length < 2;
      made.scale.range = made.scale.domain.map((rev) => colour(rev === "workspace" ? "--c1" : "--c6"));
      if (one) made.legend = null;
    }
    return made;
  }

  function rows(columns) {
    const names = Object.keys(columns);
    const n = names.length ? columns[names[0]].places.length : 0;
    return Array.from({length: n}, (_, i) =>
      Object.fromEntries(names.map((name) => [name, columns[name].values[columns[name].places[i]]])));
  }

  function showTip(_, event, item, value) {
    if (value === null || value === undefined || value === "") { tip.hidden = true; return; }
    tip.replaceChildren();
    const pairs = typeof value === "object" ? Object.entries(value) : [["", value]];
    for (const [name, what] of pairs.slice(0, 14)) {
      const row = document.createElement("div");
      for (const word of [name, what]) {
        const cell = document.createElement("span");
        cell.textContent = String(word);
        row.append(cell);
      }
      tip.append(row);
    }
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)) + "px";
  }

  // Between two steps, trials or classes there is nothing to mark.
  function inWholeSteps(node, data) {
    if (Array.isArray(node)) return node.map((each) => inWholeSteps(each, data));
    if (node === null || typeof node !== "object") return node;
    const made = Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, inWholeSteps(value, data)]));
    const x = made.x;
    if (x?.type === "quantitative" && x.field !== undefined && x.axis !== null
        && data.every((row) => Number.isInteger(Number(row[x.field] ?? 0)))) {
      made.x = {...x, axis: {...x.axis, tickMinStep: 1}};
    }
    return made;
  }

  // Vega-Lite turns the names of classes upright, however short they are.
  function hasShortNames(spec) {
    const x = spec.encoding?.x;
    if (!x || x.type !== "nominal" || !Array.isArray(spec.data?.values)) return false;
    const names = new Set(spec.data.values.map((row) => String(row[x.field])));
    return [...names].reduce((sum, name) => sum + name.length, 0) + 2 * names.size < 34;
  }

  function draw(place, spec, data) {
    views.get(place)?.finalize();
    place.replaceChildren();
    try {
      const named = inWholeSteps(tinted(spec), data ?? []);
      if (data) named.data = {values: data};
      const config = theme(place);
      if (hasShortNames(named)) config.axisX.labelAngle = 0;
      const compiled = vegaParts.compile(named, {config, logger: quiet});
      const flow = vegaParts.parse(compiled.spec, null, {ast: true});
      const view = new vegaParts.View(flow, {
        expr: vegaParts.expressionInterpreter, renderer: "svg", loader, logger: quiet, container: place,
        hover: true, tooltip: showTip,
      });
      view.runAsync().then(() => {
        if (place.scrollWidth > place.clientWidth) place.closest("figure")?.classList.add("wide");
      });
      place.querySelector("form")?.remove(); // Vega's room for controls, of which there are none
      views.set(place, view);
    } catch (error) {
      const said = document.createElement("p");
      said.className = "failed";
      said.textContent = "This plot cannot be drawn: " + error.message;
      place.replaceChildren(said);
    }
  }

  const quiet = {level() { return quiet; }, error() { return quiet; }, warn() { return quiet; },
    info() { return quiet; }, debug() { return quiet; }};

  const drawers = new Map();
  const seen = new Set();
  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = held.charts[Number(place.dataset.chart)];
    drawers.set(place, () => draw(place, chart.spec, rows(chart.columns)));
  }

  function explorer() {
    const table = held.experiments;
    const place = document.getElementById("scatter");
    if (!table || !place) return;
    const data = table.rows;
    const [x, y, by] = ["scatter-x", "scatter-y", "scatter-colour"].map((id) => document.getElementById(id));
    const kind = (name) => (data.every((row) => row[name] === null || typeof row[name] === "number")
      ? "quantitative" : "nominal");
    const scale = (name) => ({zero: false, ...(table.logarithmic.includes(name) ? {type: "log"} : {})});
    const field = (name) => ({field: name.replace(/[\\.[\]'"]/g, "\\$&"), type: kind(name), title: name});
    const scatter = () => {
      const encoding = {x: {...field(x.value), scale: scale(x.value)}, y: {...field(y.value), scale: scale(y.value)},
        tooltip: [...new Set(["experiment", x.value, y.value])].map(field)};
      if (by.value) encoding.color = field(by.value);
      draw(place, {mark: {type: "point", size: 70, opacity: 0.85}, width: "container", height: 320, encoding}, data);
    };
    for (const control of [x, y, by]) control.addEventListener("change", scatter);
    drawers.set(place, scatter);

    const lines = document.getElementById("parallel");
    if (!lines) return;
    drawers.set(lines, () => {
      const long = [];
      data.forEach((row, index) => {
        for (const name of table.axes) {
          if (row[name] === null || row[name] === undefined) continue;
          const value = row[name];
          const shown = typeof value === "number" ? Number(value.toPrecision(4)) : value;
          long.push({index, experiment: row.experiment, axis: name, value: String(shown),
            share: table.shares[name][index], outcome: row[table.metric]});
        }
      });
      const colourBy = table.metric
        ? {color: {field: "outcome", type: "quantitative", title: table.metric, scale: {zero: false}}} : {};
      draw(lines, {
        width: "container", height: 300,
        encoding: {x: {field: "axis", type: "nominal", sort: table.axes, title: null,
          axis: {labelAngle: table.axes.length * 170 > lines.clientWidth ? -30 : 0, labelOverlap: false, labelLimit: 180}}},
        layer: [
          {mark: {type: "rule", opacity: 0.25}},
          {mark: {type: "line", opacity: 0.75, strokeWidth: 1.6, point: {size: 26}}, encoding: {
            y: {field: "share", type: "quantitative", title: null, scale: {domain: [0, 1]},
              axis: {values: [0, 1], labelExpr: "datum.value ? 'highest' : 'lowest'", grid: false}},
            detail: {field: "index"}, ...colourBy,
            tooltip: ["experiment", "axis", "value"].map((name) => ({field: name, type: "nominal"}))}},
          {mark: {type: "text", align: "left", dx: 5, dy: -8, color: colour("--soft")},
            transform: [{filter: "datum.share === 0 || datum.share === 1"},
              {aggregate: [{op: "count", as: "n"}], groupby: ["axis", "share", "value"]}],
            encoding: {y: {field: "share", type: "quantitative"}, text: {field: "value", type: "nominal"}}},
        ],
      }, long);
    });
  }
  explorer();

  // A pipeline is drawn around its middle, which is where a narrow screen should begin.
  for (const graph of document.querySelectorAll(".wide-drawing .graph")) {
    const frame = graph.parentElement;
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      seen.add(entry.target);
      drawers.get(entry.target)();
    }
  }, {rootMargin: "500px"});
  for (const place of drawers.keys()) watcher.observe(place);

  const again = () => { for (const place of seen) drawers.get(place)(); };
  dark.addEventListener("change", () => { if (!printing) again(); });
  addEventListener("beforeprint", () => {
    printing = true;
    document.documentElement.classList.add("printing");
    for (const place of drawers.keys()) { watcher.unobserve(place); seen.add(place); drawers.get(place)(); }
    for (const each of document.querySelectorAll("details.more")) each.open = true;
  });
  addEventListener("afterprint", () => {
    printing = false;
    document.documentElement.classList.remove("printing");
    again();
  });
  addEventListener("scroll", () => { tip.hidden = true; }, {passive: true});
})();
