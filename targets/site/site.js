'use strict';
(function () {
  var root = document.documentElement;
  // Where storage is refused, the choice holds for the page.
  function stored() { try { return localStorage.getItem('metricc-theme'); } catch (_) { return null; } }
  function store(theme) { try { localStorage.setItem('metricc-theme', theme); } catch (_) { /* nothing is kept */ } }
  if (stored() === 'light' || stored() === 'dark') { root.dataset.theme = stored(); }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  }

  function themes() {
    var button = document.getElementById('theme');
    function tell() { button.setAttribute('aria-label', isDark() ? 'Switch to light' : 'Switch to dark'); }
    button.addEventListener('click', function () {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      store(root.dataset.theme);
      tell();
    });
    tell();
  }

  function element(name, text, className) {
    var made = document.createElement(name);
    made.textContent = text;
    if (className) { made.className = className; }
    return made;
  }

  // How well an entry fits; 0 for not at all. All words must occur.
  function fit(entry, words) {
    var name = entry.name.toLowerCase();
    var titles = entry.titles.join(' ').toLowerCase();
    var rest = [entry.kind, entry.owner || '', entry.words].join(' ').toLowerCase();
    var sum = 0;
    for (var i = 0; i < words.length; i++) {
      var word = words[i];
      if (name === word) { sum += 100; }
      else if (name.indexOf(word) === 0) { sum += 60; }
      else if (titles.indexOf(word) >= 0) { sum += 40; }
      else if (name.indexOf(word) >= 0) { sum += 30; }
      else if (rest.indexOf(word) >= 0) { sum += 10; }
      else { return 0; }
    }
    return sum + (entry.kind === 'metric' ? 5 : 0) - (entry.kind === 'column' ? 3 : 0);
  }

  function search() {
    var box = document.getElementById('search');
    var list = document.getElementById('results');
    var told = document.getElementById('found');
    var up = document.body.dataset.up;
    function close() { list.hidden = true; list.textContent = ''; told.textContent = ''; }
    function show() {
      var words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      list.textContent = '';
      if (!words.length || !window.metricc) { close(); return; }
      var found = window.metricc.map(function (entry) { return { entry: entry, fit: fit(entry, words) }; })
        .filter(function (one) { return one.fit > 0; });
      found.sort(function (a, b) { return b.fit - a.fit || (a.entry.name < b.entry.name ? -1 : 1); });
      found.slice(0, 12).forEach(function (one) {
        var link = element('a', '');
        link.href = up + one.entry.link;
        link.appendChild(element('strong', one.entry.name));
        link.appendChild(element('span', one.entry.kind, 'what'));
        if (one.entry.titles.length) { link.appendChild(element('span', one.entry.titles.join(' · '), 'title')); }
        var item = element('li', '');
        item.appendChild(link);
        list.appendChild(item);
      });
      if (!found.length) { list.appendChild(element('li', 'Nothing has these words.', 'none')); }
      told.textContent = found.length + ' found';
      list.hidden = false;
    }
    box.addEventListener('input', show);
    box.addEventListener('focus', show);
    document.addEventListener('keydown', function (event) {
      var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key === '/' && !typing) { event.preventDefault(); box.focus(); return; }
      if (event.key === 'Escape' && !list.hidden) { close(); box.focus(); list.hidden = true; return; }
      var inside = box.parentNode.contains(event.target);
      if (!inside) { return; }
      var links = Array.prototype.slice.call(list.querySelectorAll('a'));
      var at = links.indexOf(document.activeElement);
      if (event.key === 'Enter' && event.target === box && links.length) { event.preventDefault(); links[0].click(); }
      if (event.key === 'ArrowDown' && links.length) { event.preventDefault(); links[Math.min(at + 1, links.length - 1)].focus(); }
      if (event.key === 'ArrowUp' && links.length) { event.preventDefault(); if (at <= 0) { box.focus(); } else { links[at - 1].focus(); } }
    });
    document.addEventListener('click', function (event) { if (!box.parentNode.contains(event.target)) { close(); } });
  }

  function filter() {
    var box = document.getElementById('filter');
    if (!box) { return; }
    var rows = Array.prototype.slice.call(document.querySelectorAll('#catalog tbody tr'));
    var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
    var left = document.getElementById('left');
    box.addEventListener('input', function () {
      var words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      var count = 0;
      rows.forEach(function (row, i) {
        var fits = words.every(function (word) { return texts[i].indexOf(word) >= 0; });
        row.hidden = !fits;
        count += fits ? 1 : 0;
      });
      left.textContent = words.length ? count + ' of ' + rows.length : '';
    });
  }

  // Marks all that a node of a drawing is made of and all that uses it.
  function drawings() {
    document.querySelectorAll('svg.lineage').forEach(function (svg) {
      var edges = Array.prototype.slice.call(svg.querySelectorAll('.edge'));
      var nodes = Array.prototype.slice.call(svg.querySelectorAll('.node'));
      function reach(start, from, to) {
        var seen = {};
        var open = [start];
        seen[start] = true;
        while (open.length) {
          var at = open.pop();
          edges.forEach(function (edge) {
            if (edge.dataset[from] === at && !seen[edge.dataset[to]]) {
              seen[edge.dataset[to]] = true;
              open.push(edge.dataset[to]);
            }
          });
        }
        return seen;
      }
      function mark(id) {
        var above = reach(id, 'user', 'used');
        var below = reach(id, 'used', 'user');
        svg.classList.add('marked');
        nodes.forEach(function (node) { node.classList.toggle('on', !!(above[node.dataset.node] || below[node.dataset.node])); });
        edges.forEach(function (edge) {
          var up = above[edge.dataset.user] && above[edge.dataset.used];
          var down = below[edge.dataset.user] && below[edge.dataset.used];
          edge.classList.toggle('on', !!(up || down));
        });
      }
      function clear() { svg.classList.remove('marked'); }
      nodes.forEach(function (node) {
        node.addEventListener('mouseenter', function () { mark(node.dataset.node); });
        node.addEventListener('focus', function () { mark(node.dataset.node); });
        node.addEventListener('mouseleave', clear);
        node.addEventListener('blur', clear);
      });
      // The node of the page is in view at once.
      var own = svg.querySelector('.node.root rect');
      if (own) {
        var pane = svg.parentNode;
        pane.scrollLeft = own.x.baseVal.value - pane.clientWidth / 2 + own.width.baseVal.value / 2;
      }
    });
  }

  document.addEventListener('DOMContentLoaded', function () { themes(); search(); filter(); drawings(); });
})();
