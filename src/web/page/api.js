// The API, and who we are to it.

export const session = { token: '', scopes: [], tenant: '', name: '' };
export const may = (scope) => session.scopes.includes(scope);

let onLost = () => {};
export const whenLost = (f) => { onLost = f; };

export class Refused extends Error {
    constructor(status, detail) { super(detail); this.status = status; }
}

export async function call(method, path, body, signal) {
    const headers = {};
    if (method !== 'GET') headers['X-Culvert-Token'] = session.token;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let r;
    try {
        r = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
    } catch (e) {
        if (e.name === 'AbortError') throw e;
        throw new Refused(0, 'The gateway does not answer');
    }
    if (r.status === 204) return null;
    const answer = await r.json().catch(() => ({}));
    if (r.ok) return answer;
    if (r.status === 401 && session.token) { session.token = ''; onLost(); }
    throw new Refused(r.status, answer.detail || r.statusText);
}

export const get = (path, signal) => call('GET', path, undefined, signal);
export const query = (params) => {
    const q = new URLSearchParams(Object.entries(params).filter(([, v]) => v !== '' && v !== undefined));
    return q.size ? `?${q}` : '';
};

function enter(s) { Object.assign(session, s); }
export const resume = async () => enter(await get('/session'));
export const login = async (link) => enter(await call('POST', '/session', { link }));
export async function logout() {
    await call('DELETE', '/session');
    session.token = '';
}

// ---- what happens, as it happens ----

const ears = new Set();
let source = null;
export function hear(f) { ears.add(f); return () => ears.delete(f); }
export function listen(onState) {
    if (source) source.close();
    source = new EventSource('/api/v1/events');
    source.addEventListener('fleet', (e) => { const event = JSON.parse(e.data); for (const f of ears) f(event); });
    source.onopen = () => onState(true);
    source.onerror = () => onState(false);
}
export function deafen() { if (source) source.close(); source = null; }
