// The clients of others, told on the command line what to do; each frame is a line of JSON on standard output.
//
//   node clients.mjs MODULES CLIENT vectors URL...   what comes of each URL, an array of NAME|ID|DATA
//   node clients.mjs MODULES CLIENT follow URL       the data of each event, for ever, over whatever happens
//
// CLIENT is eventsource, parser or browser; MODULES is the folder of the packages.
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, client, action, ...urls] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'package.json'));
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');

// These two run in the page as well, where they see no other name of this file.
function collect(EventSource, url) {
  return new Promise((done) => {
    const frames = [];
    const source = new EventSource(url);
    for (const name of ['message', 'test']) {
      source.addEventListener(name, (e) => frames.push(`${name}|${e.lastEventId}|${e.data}`));
    }
    source.onerror = () => {
      source.close();
      done(frames);
    };
  });
}

function follow(EventSource, url, each) {
  const source = new EventSource(url);
  source.onmessage = (e) => each(e.data);
  for (const name of ['gap', 'resync']) {
    source.addEventListener(name, (e) => each(`${name}: ${e.data}`));
  }
}

async function parse(url) {
  const { createParser } = require('eventsource-parser');
  const frames = [];
  const parser = createParser({ onEvent: (e) => frames.push(`${e.event || 'message'}|${e.id ?? ''}|${e.data}`) });
  const text = new TextDecoder();
  for await (const chunk of (await fetch(url)).body) parser.feed(text.decode(chunk, { stream: true }));
  return frames;
}

if (client === 'parser') {
  for (const url of urls) say(await parse(url));
} else if (client === 'eventsource') {
  const { EventSource } = require('eventsource');
  if (action === 'follow') follow(EventSource, urls[0], say);
  else for (const url of urls) say(await collect(EventSource, url));
} else {
  const { chromium } = require('playwright-core');
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.goto(new URL('/page', urls[0]).href);
  await page.addScriptTag({ content: collect.toString() + follow.toString() });
  if (action === 'follow') {
    await page.exposeFunction('say', say);
    await page.evaluate((url) => window.follow(EventSource, url, window.say), urls[0]);
  } else {
    for (const url of urls) say(await page.evaluate((u) => window.collect(EventSource, u), url));
    await browser.close();
  }
}
