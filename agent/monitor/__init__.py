"""How the agent is, for machines that ask: metrics, health and readiness over HTTP, off unless set."""

from agent.monitor.figures import METRICS, Figures
from agent.monitor.pulse import Pulse
from agent.monitor.server import Monitor, MonitorError

__all__ = ["METRICS", "Figures", "Monitor", "MonitorError", "Pulse"]
