"""The report's style sheet. Colours are chosen to be told apart by people who see red and green alike."""

CSS = """
:root {
  color-scheme: light dark;
  --back: #ffffff; --ink: #1d2530; --soft: #5c6773; --grid: #e6e9ee; --card: #f6f8fa; --here: #1d25300f;
  --p0: #2f6fd0; --p1: #d9822b; --p2: #2f9e77; --p3: #9b59b6; --p4: #c0392b; --p5: #7f8c8d;
  --load: #2f6fd0; --bad: #d64545; --good: #2f9e77; --strong: #1d2530;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14181d; --ink: #e4e8ee; --soft: #98a3b0; --grid: #2a313a; --card: #1c2229; --here: #ffffff14;
    --p0: #6ea8fe; --p1: #f0a45d; --p2: #5fcfa4; --p3: #c39bd3; --p4: #f1948a; --p5: #aab7b8;
    --load: #6ea8fe; --bad: #ff7b72; --good: #5fcfa4; --strong: #e4e8ee;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 1080px; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 40px 0 8px; }
p { margin: 4px 0; } .soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: 12px; }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top; }
th { font-weight: 600; border-bottom: 2px solid var(--grid); }
td { border-bottom: 1px solid var(--grid); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 16px; }
.card { background: var(--card); border-radius: 10px; padding: 12px 16px; }
.card b { display: block; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.3; }
.card.much { grid-column: 1 / -1; } .card.much b { font-size: 17px; }
.sums td:not(:first-child), .sums th:not(:first-child) { text-align: right; padding: 4px 0 4px 24px; }
.sums td:first-child { color: var(--soft); white-space: nowrap; } .sums th { white-space: nowrap; }
.best { color: var(--good); font-weight: 600; }
.key { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 8px; vertical-align: 4px; }
.told td { font-size: 14px; white-space: pre-line; } .told td:first-child { white-space: nowrap; }
.told b { font-weight: 600; } .told .alarm b, .told .failed b { color: var(--bad); } .told .ok b { color: var(--good); }
details { margin-top: 12px; } summary { cursor: pointer; font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 13px system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; fill: var(--ink); }
svg .note { paint-order: stroke; stroke: var(--back); stroke-width: 4px; }
svg .title { font-weight: 600; } svg .label, svg .note { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.thin { stroke-width: 1; stroke-dasharray: 2 3; }
.load { stroke: var(--load); } .service { stroke: var(--p0); } .desired { stroke: var(--strong); stroke-width: 1.5; }
.bound { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 4; }
.cpu { stroke: var(--p1); } .p50 { stroke: var(--p2); } .p99 { stroke: var(--p3); } .lost { stroke: var(--bad); }
.p0 { stroke: var(--p0); } .p1 { stroke: var(--p1); } .p2 { stroke: var(--p2); }
.p3 { stroke: var(--p3); } .p4 { stroke: var(--p4); } .p5 { stroke: var(--p5); }
.fill { stroke: none; opacity: .22; }
.fill.load { fill: var(--load); } .fill.service { fill: var(--p0); } .fill.lost { fill: var(--bad); opacity: .7; }
.threshold { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 5 4; }
.alarming { opacity: .13; } .alarming.high { fill: var(--bad); } .alarming.low { fill: var(--p0); }
.mark { stroke: var(--back); stroke-width: 1; }
.mark.alarm, .mark.failed { fill: var(--bad); } .mark.ok { fill: var(--good); }
.mark.up { fill: var(--p0); } .mark.down { fill: var(--p1); }
.here { fill: transparent; } .here:hover { fill: var(--here); }
"""
