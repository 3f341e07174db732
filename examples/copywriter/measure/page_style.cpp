// The style sheet of the report. Contrast of text on its ground is at least 4.5 in both schemes (WCAG 2.1).
#include "copywriter/measure/html.h"

namespace adlib::copywriter {

std::string_view page_style() {
  return R"css(
:root{color-scheme:light dark;--ground:#fff;--card:#f4f6f9;--text:#1b2330;--soft:#4e5a6b;--line:#ccd3dd;
--mark:#1d5fae;--tint:#c9dcf3;--good:#17663a;--bad:#a32020}
@media (prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1c222b;--text:#e8ecf2;--soft:#aab4c2;
--line:#3a4452;--mark:#84b8ff;--tint:#2b4568;--good:#7fd6a0;--bad:#ff9a94}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);line-height:1.55;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Hiragino Sans GB",
"Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",sans-serif}
:lang(zh){font-family:"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC",
system-ui,sans-serif}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.4rem .8rem}
header,main,footer,nav{max-width:62rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem}
a{color:var(--mark)}
a:focus-visible,.wide:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
.soft,caption,.note{color:var(--soft)}
.note{font-size:.9rem}
.lead{font-size:1.15rem;max-width:50rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:1rem 0 0}
nav a{display:inline-block;padding:.25rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.4rem,1fr));gap:.7rem;margin:1.4rem 0 0;padding:0}
.tiles div{background:var(--card);border-radius:.5rem;padding:.7rem .9rem}
.tiles dt{color:var(--soft);font-size:.9rem}
.tiles dd{margin:0;font-size:1.55rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.3}
.tiles dd small{display:block;font-size:.82rem;font-weight:400;color:var(--soft)}
.wide{overflow-x:auto;margin:.8rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.95rem}
caption{text-align:left;font-weight:600;padding:0 0 .3rem;color:var(--text)}
th,td{text-align:left;vertical-align:middle;padding:.34rem .8rem .34rem 0;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:500;color:var(--soft);vertical-align:bottom;font-size:.88rem}
tbody th{font-weight:500;overflow-wrap:break-word}
thead th:first-child{width:24%}
thead th.words:first-child{width:56%}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.few{color:var(--soft)}
td .range{color:var(--soft);font-size:.88rem}
.plotted{width:38%;min-width:8rem}
.ends{display:flex;justify-content:space-between;font-weight:400}
.plot{display:block;width:100%;height:1.25rem;overflow:visible}
.tall{height:2rem}
.plot line,.plot path{vector-effect:non-scaling-stroke;fill:none;stroke-linecap:butt}
.plot .axis{stroke:var(--line);stroke-width:1}
.plot .zero{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:3 2}
.plot .whisker{stroke:var(--mark);stroke-width:2}
.plot .point{stroke:var(--mark);stroke-width:10;stroke-linecap:round}
.plot .bar{fill:var(--mark)}
.plot .track{fill:var(--card)}
.plot .area{fill:var(--tint)}
.plot .top{stroke:var(--mark);stroke-width:2}
.copies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:.9rem;margin:1rem 0}
.copy{margin:0;background:var(--card);border-radius:.5rem;padding:.9rem 1.1rem;border-left:4px solid var(--mark)}
.copy.blocked{border-left:4px dashed var(--bad)}
.copy h4{margin:0 0 .3rem;font-size:.9rem;font-weight:650}
.copy blockquote{margin:.2rem 0 .5rem;font-size:1.08rem;white-space:pre-line;overflow-wrap:anywhere}
.copy .why{margin:.25rem 0;font-size:.9rem}
.good{color:var(--good);font-weight:650}
.bad{color:var(--bad);font-weight:650}
.next li{margin:.35rem 0;max-width:46rem}
code,code:lang(zh){font-family:ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}
footer{padding:2rem 1rem 3rem;color:var(--soft);font-size:.9rem}
@media (max-width:40rem){body{font-size:.97rem}h1{font-size:1.5rem}.optional{display:none}.plotted{width:24%;min-width:4.2rem}
th,td{padding-right:.5rem}.number{white-space:normal}thead th:first-child{width:22%}
td .range{display:block;white-space:nowrap;font-size:.82rem}}
@media print{:root{color-scheme:light;--ground:#fff;--card:#f4f6f9;--text:#000;--soft:#444;--line:#bbb;--mark:#1d5fae;
--tint:#c9dcf3;--good:#17663a;--bad:#a32020}nav,.skip{display:none}.wide{overflow:visible}
h2,h3,caption{break-after:avoid}tr,.copy,.tiles div{break-inside:avoid}
.plot,.tiles div,.copy{-webkit-print-color-adjust:exact;print-color-adjust:exact}body{font-size:10.5pt}}
)css";
}

}  // namespace adlib::copywriter
