// Lines of what came lately.
import { h, svg, rate } from './util.js';

// Points of a counter as rates between them.
export class Rates {
    constructor(keep) { this.keep = keep; this.values = []; this.last = null; }
    add(value, atMs) {
        if (this.last && atMs > this.last.atMs && value >= this.last.value)
            this.values.push((value - this.last.value) * 1000 / (atMs - this.last.atMs));
        this.last = { value, atMs };
        if (this.values.length > this.keep) this.values.shift();
    }
    get now() { return this.values.length ? this.values[this.values.length - 1] : 0; }
}

function line(values, span, top, width, height, closed) {
    if (values.length < 2) return '';
    const step = width / (span - 1), from = width - (values.length - 1) * step;
    const at = values.map((v, i) => `${(from + i * step).toFixed(1)} ${(height - 2 - (height - 6) * v / top).toFixed(1)}`);
    return `M${at.join('L')}` + (closed ? `L${width} ${height}L${from.toFixed(1)} ${height}Z` : '');
}

// A chart of several series (Rates) with names; draw() draws what they have by now.
export function chart(series, label) {
    const width = 600, height = 130, keep = series[0].rates.keep;
    const root = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label, class: 'chart' });
    const paths = series.map((s) => {
        const area = svg('path', { class: `area ${s.name}` }), stroke = svg('path', { class: `line ${s.name}`, 'vector-effect': 'non-scaling-stroke' });
        root.append(area, stroke);
        return { area, stroke };
    });
    const legend = h('p', { class: 'legend' });
    const box = h('div', { class: 'chartbox' }, root, legend);
    box.draw = () => {
        const span = Math.min(keep, Math.max(20, ...series.map((s) => s.rates.values.length))); // what there is fills the width
        const top = Math.max(1000, ...series.flatMap((s) => s.rates.values)) * 1.1;
        series.forEach((s, i) => {
            paths[i].area.setAttribute('d', line(s.rates.values, span, top, width, height, true));
            paths[i].stroke.setAttribute('d', line(s.rates.values, span, top, width, height, false));
        });
        legend.replaceChildren(...series.map((s) => h('span', { class: s.name }, `${s.title} `, h('b', {}, rate(s.rates.now)))));
        root.setAttribute('aria-label', `${label}: ${series.map((s) => `${s.title} ${rate(s.rates.now)}`).join(', ')}`);
    };
    box.draw();
    return box;
}
