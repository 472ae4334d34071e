"use strict";
// A worker: places the nodes of a graph in layers, so that the page can be used meanwhile.

importScripts("/page/vendor/dagre.min.js");

onmessage = ({ data: { turn, boxes, edges } }) => {
  const graph = new dagre.graphlib.Graph();
  // (the better ranking takes too long for many nodes)
  const ranker = boxes.length > 300 ? "longest-path" : "network-simplex";
  graph.setGraph({ rankdir: "TB", nodesep: 18, ranksep: 34, ranker });
  graph.setDefaultEdgeLabel(() => ({}));
  boxes.forEach(([width, height], index) => graph.setNode(String(index), { width, height }));
  for (const [a, b] of edges) graph.setEdge(String(a), String(b));
  dagre.layout(graph);
  const places = boxes.map((_, index) => {
    const { x, y } = graph.node(String(index));
    return [x, y];
  });
  postMessage({ turn, places });
};
