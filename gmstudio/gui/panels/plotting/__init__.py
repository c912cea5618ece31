"""What needs pyqtgraph: imported only once something is to be plotted, since its import takes a third of a second."""
