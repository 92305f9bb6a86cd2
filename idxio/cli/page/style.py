"""The style sheet of the page: follows the light or dark setting, and fits 400 pixels."""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1c1c1e; --faint: #6a6a70;
  --line: #dcdce0; --train: #2f6fd0; --t10k: #d9822b; --val: #2a9d8f; --other: #8a63b8;
  --red: #d0352f; --green: #2a8a3a; --blue: #2f5fd0;
  --good: #1a7f37; --bad: #c0272d; --doubt: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --ground: #17171a; --text: #ececf0; --faint: #a0a0a8;
  --line: #3a3a40; --train: #6ea8ff; --t10k: #f0a558; --val: #5cc9bb; --other: #b596e0;
  --red: #ff7b72; --green: #57c878; --blue: #79a8ff;
  --good: #57c878; --bad: #ff7b72; --doubt: #e0b341; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 64rem; padding: 0 1rem; background: var(--ground);
  color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p, li, figcaption, footer { color: var(--faint); overflow-wrap: anywhere; }
img { image-rendering: pixelated; display: block; max-width: 100%; }
ul { padding: 0; list-style: none; }
li { margin: .6rem 0; }
pre { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto;
  font: 13px/1.5 ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .6rem 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 2.5rem; font-size: .85rem; }
.good, .bad, .doubt { font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.tiles div { padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 6px;
  color: var(--faint); font-size: .85rem; }
.tiles b { display: block; color: var(--text); font-size: 1.15rem; font-weight: 600; }

.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 600; text-align: left; white-space: nowrap; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }

.card { display: grid; grid-template-columns: 16rem minmax(0, 1fr); gap: .4rem 1.4rem;
  padding: .8rem 0; border-top: 1px solid var(--line); }
.card h3 { font-size: 1rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
.bars div { display: grid; grid-template-columns: minmax(2.2rem, max-content) 3.4rem 3.4rem 1fr;
  gap: .4rem; align-items: center; font-size: .85rem; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
.bars b, .bars em { font-weight: normal; font-style: normal; text-align: right; }
.bars em { color: var(--faint); }
.bars i { display: block; height: .6rem; min-width: 1px; border-radius: 0 2px 2px 0; }
.means { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: .5rem; }
.means figure { flex: none; }
.means figcaption, .row > span { font-size: .75rem; color: var(--faint); }
.row { display: grid; grid-template-columns: 4rem minmax(0, 1fr); gap: .5rem;
  margin-bottom: .4rem; }
.strip { display: grid; grid-template-columns: repeat(var(--n), minmax(0, 3.6rem)); }
.strip img { grid-column: 1 / -1; width: 100%; height: auto; }
.strip span { font-size: .68rem; line-height: 1.25; text-align: center; color: var(--faint);
  overflow-wrap: anywhere; padding: 0 1px; }
.strip b { display: block; font-weight: 600; color: var(--text); }
li { overflow-x: auto; }
li .strip { grid-template-columns: repeat(var(--n), 5rem); width: max-content; margin-top: .3rem; }
@media (max-width: 40rem) {
  .card { grid-template-columns: minmax(0, 1fr); }
  .row { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
}

.train { background: var(--train); fill: var(--train); }
.t10k { background: var(--t10k); fill: var(--t10k); }
.val { background: var(--val); fill: var(--val); }
.other { background: var(--other); fill: var(--other); }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; }
.charts figure { flex: 1 1 20rem; max-width: 31rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 12px; }
svg line { stroke: var(--line); }
svg .red, svg .green, svg .blue { fill: none; stroke-width: 1.5; }
svg .red { stroke: var(--red); } svg .green { stroke: var(--green); }
svg .blue { stroke: var(--blue); }
"""
