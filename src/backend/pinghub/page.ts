/** The page that a GET answers with: a small client of the channel that it was asked for (pinghub specification 6). */
import { createHash } from 'node:crypto';
import type { HeaderList } from '../../protocol/headers.js';

/** Everything is inserted as text; a log that was scrolled up stays where it is. */
const SCRIPT = `
var log = document.getElementById('log');
var input = document.getElementById('msg');
function add(text, bold) {
  var atEnd = log.scrollTop > log.scrollHeight - log.clientHeight - 1;
  var line = document.createElement('div');
  if (bold) line.appendChild(document.createElement('b')).textContent = text;
  else line.textContent = text;
  log.appendChild(line);
  if (atEnd) log.scrollTop = log.scrollHeight - log.clientHeight;
}
if (!window.WebSocket) {
  add('Your browser does not support WebSockets.', true);
} else {
  var socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/#.*/, ''));
  var idle = setInterval(function () { if (socket.readyState === 1) socket.send(''); }, 30000);
  socket.onmessage = function (event) { if (event.data !== '') add(event.data); };
  socket.onclose = function () { clearInterval(idle); add('Connection closed.', true); };
  document.getElementById('form').onsubmit = function (event) {
    event.preventDefault();
    if (input.value === '' || socket.readyState !== 1) return;
    socket.send(input.value);
    input.value = '';
  };
}
input.focus();
`;

const STYLE = `
body { margin: 0; padding: 0 1em; font: 15px sans-serif; display: flex; flex-direction: column; height: 100vh; box-sizing: border-box; }
#log { flex: 1; overflow: auto; background: #f4f4f2; padding: .5em; white-space: pre-wrap; overflow-wrap: anywhere; }
#form { padding: 1em 0; }
`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

export const PAGE_HEADERS: HeaderList = [
  ['Content-Type', 'text/html; charset=utf-8'],
  [
    'Content-Security-Policy',
    `default-src 'none'; script-src ${hashOf(SCRIPT)}; style-src ${hashOf(STYLE)}; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'`,
  ],
  ['X-Content-Type-Options', 'nosniff'],
];

/** @param path - of the channel, as text */
export function clientPage(path: string): Buffer {
  const name = escapeHtml(path);
  return Buffer.from(`<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>pinghub ${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h3>Websocket client for ${name}</h3>
<div id="log"></div>
<form id="form"><input type="submit" value="Send"> <input type="text" id="msg" size="64" autocomplete="off"></form>
<script>${SCRIPT}</script>
</body>
</html>
`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one);
}
