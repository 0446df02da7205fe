// Pictures of the page in light and dark, wide and small.
//   node shots.js PLAYWRIGHT_DIR ORIGIN LINK_SECRET OUT_DIR
// SPDX-License-Identifier: Apache-2.0
const [, , lib, origin, secret, out] = process.argv;
const { chromium } = require(`${lib}/node_modules/playwright-core`);

(async () => {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') console.error('console:', m.text()); });
    page.on('pageerror', (e) => console.error('page:', e.message));
    const at = async (hash) => { await page.goto(`${origin}/${hash}`); await page.waitForTimeout(900); };
    const shot = async (name) => { await page.screenshot({ path: `${out}/${name}.png` }); console.log(`${name}.png`); };

    await at('');
    await shot('login');
    await page.goto(`${origin}/login#${secret}`);
    await page.waitForSelector('.tiles');
    await page.waitForTimeout(Number(process.env.WARM_MS || 25000)); // the chart has something to show
    for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.evaluate(() => { location.hash = '#/'; });
        await page.waitForTimeout(2500);
        await shot(`overview-${scheme}`);
        await at('#/devices');
        await shot(`devices-${scheme}`);
        await at('#/devices/sensor-000000');
        await page.waitForTimeout(3000);
        await shot(`device-${scheme}`);
        await at('#/events');
        await shot(`events-${scheme}`);
        await page.click('#add');
        await page.fill('dialog input[name=name]', `new-${scheme}`);
        await page.selectOption('dialog select[name=profile]', 'sensor');
        await shot(`add-${scheme}`);
        await page.click('dialog button[type=submit]');
        await page.waitForSelector('#bundle');
        await page.waitForTimeout(300);
        await shot(`enrol-${scheme}`);
        await page.keyboard.press('Escape');
    }
    await page.setViewportSize({ width: 390, height: 780 });
    for (const [name, hash] of [['overview', '#/'], ['devices', '#/devices'], ['device', '#/devices/gateway-000003'], ['events', '#/events']]) {
        await at(hash);
        await page.waitForTimeout(2500);
        await shot(`${name}-small`);
    }
    await browser.close();
})().catch((e) => { console.error(e.message); process.exit(1); });
