// Elements, and values as people read them.

export function h(tag, props = {}, ...children) {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
        else if (name === 'class') e.className = value;
        else e.setAttribute(name, value === true ? '' : value);
    }
    e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
    return e;
}

export function svg(tag, props = {}, ...children) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(props)) e.setAttribute(name, value);
    e.append(...children);
    return e;
}

const whole = new Intl.NumberFormat('en');
export const number = (n) => whole.format(n);

export function size(n, unit = 'B') {
    const steps = ['', 'k', 'M', 'G', 'T', 'P'];
    let i = 0;
    for (; n >= 1000 && i < steps.length - 1; i++) n /= 1000;
    return `${n < 10 && i > 0 ? n.toFixed(1) : Math.round(n)} ${steps[i]}${unit}`;
}
export const rate = (bytesPerSecond) => size(bytesPerSecond * 8, 'bit/s');

export function ago(seconds) {
    if (!seconds) return 'never';
    const s = Math.max(0, Math.round(Date.now() / 1000 - seconds));
    if (s < 5) return 'now';
    if (s < 90) return `${s} s ago`;
    if (s < 5400) return `${Math.round(s / 60)} min ago`;
    if (s < 129600) return `${Math.round(s / 3600)} h ago`;
    return `${Math.round(s / 86400)} d ago`;
}
export const when = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString() : 'never');

// What a device is to somebody who looks: one word, and how it is drawn.
export function condition(d) {
    if (d.state !== 'active') return d.state;
    if (d.online) return 'online';
    if (d.credential.kind === 'none') return 'waiting';
    return d.seen ? 'offline' : 'ready';
}
export const explain = {
    online: 'Connected', offline: 'Not connected', suspended: 'Suspended: it may not connect', revoked: 'Revoked for good',
    waiting: 'Waiting for enrolment', ready: 'Enrolled, never connected',
};
export function badge(d) {
    const c = condition(d);
    return h('span', { class: `badge ${c}`, title: explain[c] }, h('i', { 'aria-hidden': 'true' }), c);
}

export function toast(text, bad = false) {
    const t = h('p', { class: bad ? 'toast bad' : 'toast' }, text);
    document.getElementById('toasts').append(t);
    setTimeout(() => t.remove(), bad ? 9000 : 5000);
}

export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        toast('Copied');
    } catch {
        toast('The browser does not let us copy: select the text instead', true);
    }
}

// A question that waits for its answer.
export function confirm(title, text, verb) {
    return new Promise((done) => {
        const close = (answer) => { d.close(); d.remove(); done(answer); };
        const d = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title', oncancel: () => close(false) },
            h('h2', { id: 'ask-title' }, title), h('p', {}, text),
            h('div', { class: 'buttons' },
                h('button', { type: 'button', onclick: () => close(false) }, 'Cancel'),
                h('button', { type: 'button', class: 'danger', onclick: () => close(true) }, verb)));
        document.body.append(d);
        d.showModal();
    });
}
