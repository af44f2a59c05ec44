"""Records → Markdown, HTML, charts and drawings of the graph; pure."""
