#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "adlib/train/training_log.h"

namespace adlib::train {
namespace {

constexpr double width = 860, height = 480;
constexpr double left = 70, right = 24, top = 56, bottom = 56;  // margins of the plot in the picture
constexpr std::size_t most_points = 1200;                       // more than the pixels there are

struct Point {
  double step, loss;
};
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) { low = std::min(low, value), high = std::max(high, value); }
  double share(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

std::string format(const char* pattern, double a, double b = 0) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

// 1, 2 or 5 times a power of ten: about `wanted` of them fit into `span`.
double tick_distance(double span, int wanted) {
  const double rough = span / wanted, power = std::pow(10.0, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

// Steps are noisy: what is drawn bold is the mean over about a fiftieth of them, half before and half behind.
std::vector<Point> smoothed(const std::vector<Point>& points) {
  const std::size_t reach = points.size() / 100;
  std::vector<double> sums = {0};
  for (const Point& point : points) sums.push_back(sums.back() + point.loss);
  std::vector<Point> out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t begin = i - std::min(i, reach), end = std::min(points.size(), i + reach + 1);
    out.push_back({points[i].step, (sums[end] - sums[begin]) / static_cast<double>(end - begin)});
  }
  return out;
}

class Picture {
 public:
  Picture(Range steps, Range losses) : steps_(steps), losses_(losses) {}

  double x(double step) const { return left + steps_.share(step) * (width - left - right); }
  double y(double loss) const { return height - bottom - losses_.share(loss) * (height - top - bottom); }

  std::string line(const std::vector<Point>& points, const char* kind) const {
    std::string out = std::string("<polyline class=\"") + kind + "\" points=\"";
    const std::size_t stride = std::max<std::size_t>(1, points.size() / most_points);
    for (std::size_t i = 0; i < points.size(); i += stride)
      out += format("%.1f,%.1f ", x(points[i].step), y(points[i].loss));
    if (!points.empty()) out += format("%.1f,%.1f", x(points.back().step), y(points.back().loss));
    return out + "\"/>\n";
  }
  std::string grid() const {
    std::string out;
    const double loss_step = tick_distance(losses_.high - losses_.low, 6);
    for (double at = std::ceil(losses_.low / loss_step) * loss_step; at <= losses_.high; at += loss_step) {
      out += format("<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" ", left, width - right) +
             format("y1=\"%.1f\" y2=\"%.1f\"/>", y(at), y(at));
      out += format("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", left - 8, y(at) + 4) +
             format("%.3g</text>\n", std::abs(at) < 1e-9 ? 0 : at);
    }
    const double step_step = std::max(1.0, tick_distance(steps_.high - steps_.low, 7));
    for (double at = std::ceil(steps_.low / step_step) * step_step; at <= steps_.high; at += step_step) {
      out += format("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">", x(at), height - bottom + 20) +
             format("%.0f</text>\n", at);
    }
    return out;
  }

 private:
  Range steps_, losses_;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string loss_plot(const std::vector<LogEntry>& entries, const std::string& title) {
  std::vector<Point> training, validation;
  Range steps, losses;
  for (const LogEntry& entry : entries) {
    const auto step = static_cast<double>(entry.step);
    if (entry.loss) training.push_back({step, *entry.loss});
    if (entry.validation_loss) validation.push_back({step, *entry.validation_loss});
    steps.add(step);
  }
  const std::vector<Point> mean = smoothed(training);
  for (const Point& point : mean) losses.add(point.loss);
  for (const Point& point : validation) losses.add(point.loss);
  if (training.empty()) steps = {0, 1}, losses = {0, 1};
  if (losses.high - losses.low < 1e-6) losses.low -= 0.5, losses.high += 0.5;
  if (steps.high - steps.low < 1) steps.high += 1;
  // Single steps may lie outside the smoothed range; the picture cuts them off.
  const Picture picture(steps, losses);

  std::string svg =
      format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" ", width, height);
  svg += "role=\"img\" aria-label=\"" + escaped(title) + "\">\n<style>\n";
  svg +=
      "svg { font: 13px system-ui, sans-serif; background: #ffffff; }\n"
      "text { fill: #333333; } .title { font-size: 16px; font-weight: 600; }\n"
      ".grid { stroke: #e3e3e3; } polyline { fill: none; }\n"
      ".step { stroke: #9db8d9; stroke-width: 1; } .mean { stroke: #1f5fa8; stroke-width: 2.2; }\n"
      ".validation { stroke: #c8501e; stroke-width: 2.2; } circle, .of-validation { fill: #c8501e; }\n"
      ".of-training { fill: #1f5fa8; }\n"
      "@media (prefers-color-scheme: dark) {\n"
      "svg { background: #16181c; } text { fill: #dddddd; } .grid { stroke: #34383f; }\n"
      ".step { stroke: #3d556f; } .mean { stroke: #7db1ee; } .validation { stroke: #f0935f; }\n"
      "circle, .of-validation { fill: #f0935f; } .of-training { fill: #7db1ee; } }\n</style>\n";
  svg += format("<clipPath id=\"plot\"><rect x=\"%.0f\" y=\"%.0f\" ", left, top) +
         format("width=\"%.0f\" height=\"%.0f\"/></clipPath>\n", width - left - right, height - top - bottom);
  svg += format("<text class=\"title\" x=\"%.0f\" y=\"%.0f\">", left, 28) + escaped(title) + "</text>\n";
  svg += picture.grid();
  svg += "<g clip-path=\"url(#plot)\">\n" + picture.line(training, "step") + picture.line(mean, "mean") +
         picture.line(validation, "validation") + "</g>\n";
  for (const Point& point : validation)
    svg += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", picture.x(point.step), picture.y(point.loss));
  svg += format("\n<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">step</text>\n",
                (left + width - right) / 2, height - 14);
  // The figures have the colours of their lines.
  svg += format("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">", width - right, 28) +
         "<tspan class=\"of-training\">training";
  if (!training.empty()) svg += format(" %.4f", mean.back().loss);
  svg += "</tspan>";
  if (!validation.empty()) {
    const auto best = std::min_element(validation.begin(), validation.end(),
                                       [](const Point& a, const Point& b) { return a.loss < b.loss; });
    svg += format(" · <tspan class=\"of-validation\">validation %.4f (best %.4f", validation.back().loss,
                  best->loss);
    svg += format(" at step %.0f)</tspan>", best->step);
  }
  return svg + "</text>\n</svg>\n";
}

}  // namespace adlib::train
