#include "copywriter/polish/typography/typography.h"

#include <string>
#include <vector>

#include "adlib/core/error.h"
#include "typography_support.h"

namespace adlib::copywriter {

using namespace std::string_view_literals;
using namespace typography_data;

TEST_CASE("marks, spaces and characters are found in both languages, and mended where it is safe",
          "[copywriter][typography]") {
  check_cases({
      {zh, "typography/repeated-mark", "轻薄，，好穿。", "轻薄，好穿。"},
      {zh, "typography/repeated-mark", "轻薄好穿。。", "轻薄好穿。"},
      only_found(zh, "typography/repeated-mark", "快来看看！！"),
      {en, "typography/repeated-mark", "Light,, soft.", "Light, soft."},
      {en, "typography/repeated-mark", "Light and soft..", "Light and soft."},
      only_found(en, "typography/repeated-mark", "Get it now!!"),
      {zh, "typography/outer-space", " 轻薄好穿。 ", "轻薄好穿。"},
      {en, "typography/outer-space", "Light.  \nSoft.\n", "Light.\nSoft."},
      {en, "typography/double-space", "Light  and soft.", "Light and soft."},
      {zh, "typography/invisible", "轻\xE2\x80\x8B薄。", "轻薄。"},
      {zh, "typography/invisible", "\xEF\xBB\xBF轻薄。", "轻薄。"},
      {zh, "typography/invisible", "轻\u2800薄。", "轻薄。"},
      {zh, "typography/invisible", "轻\u061C薄。", "轻薄。"},
      {en, "typography/invisible",
       "So\xC2\xAD"
       "ft\x01.",
       "Soft."},
      {en, "typography/invisible", "Soft.\xE2\x80\xA8New.", "Soft.\nNew."},
      only_found(zh, "typography/lost-character", "轻\xEF\xBF\xBD。"),
      only_found(en, "typography/lost-character", "So\xFFt."),
      {zh, "typography/pair", "“轻薄“的面料。", "“轻薄”的面料。"},
      {zh, "typography/pair", "轻薄（很薄)。", "轻薄（很薄）。"},
      only_found(zh, "typography/pair", "轻薄（很薄。"),
      only_found(zh, "typography/pair", "《轻薄「很薄》。」"),
      only_found(zh, "typography/pair", "新品】上市。"),
      only_found(en, "typography/pair", "Light (and soft."),
      only_found(en, "typography/pair", "Light [and) soft."),
      only_found(en, "typography/pair", "A \"light coat."),
      only_found(en, "typography/pair", "A “light coat."),
      only_found(en, "typography/mixed-quotes", "\"Soft\" and “light”."),
      {en, "typography/mixed-quotes", "It's soft, it’s light, it’s here.",
       "It’s soft, it’s light, it’s here."},
      {zh, "typography/full-width-letter", "ＡＢＣ１２３款。", "ABC123款。"},
      {en, "typography/full-width-letter", "Ｌight.", "Light."},
  });
  for (const char* text :
       {"{{name}}，你好。", "${name}，你好。", "{name}，你好。", "{品牌}的杯子。", "%s，你好。",
        "[NAME]，你好。", "只要XXX元。", "只要¥XX.XX。", "<UNK>的面料。", "[姓名]，你好。",
        "*|FNAME|*，你好。", "杯子&nbsp;好看。", "<|copy|>好看。", "{% if x %}好看。"}) {
    CAPTURE(text);
    for (const Language language : {zh, en}) {
      const auto found = check_typography(text, language);
      CHECK(std::any_of(found.begin(), found.end(), [](const Finding& finding) {
        return finding.level == Level::error && !finding.fix &&
               (finding.rule == "typography/placeholder" || finding.rule == "typography/entity");
      }));
    }
  }
}

TEST_CASE("Chinese marks and doubled words are found and mended", "[copywriter][typography]") {
  check_cases({
      {zh, "typography/half-width-mark", "轻薄,好穿.", "轻薄，好穿。"},
      {zh, "typography/half-width-mark", "轻薄, 好穿!", "轻薄，好穿！"},
      {zh, "typography/half-width-mark", "材质:纯棉;颜色:白", "材质：纯棉；颜色：白"},
      {zh, "typography/half-width-mark", "喜欢吗?MacBook也能装。", "喜欢吗？MacBook也能装。"},
      {zh, "typography/half-width-mark", "羊绒(山羊绒)很软。", "羊绒（山羊绒）很软。"},
      only_found(zh, "typography/half-width-mark", "像安妮.海瑟薇一样。"),
      {zh, "typography/ellipsis", "等你来...", "等你来……"},
      {zh, "typography/ellipsis", "等你来。。。", "等你来……"},
      {zh, "typography/dash", "好茶--慢慢喝。", "好茶——慢慢喝。"},
      {zh, "typography/chinese-space", "这款 的面料好，很舒服。", "这款的面料好，很舒服。"},
      only_found(zh, "typography/chinese-space", "这款面料 很舒服，轻薄好穿。"),
      {zh, "typography/uneven-spaces", "新款 iPhone 壳，配 MagSafe也行。",
       "新款 iPhone 壳，配 MagSafe 也行。"},
      {zh, "typography/uneven-spaces", "给iPhone用，给iPad用，给 Mac用。", "给iPhone用，给iPad用，给Mac用。"},
      {zh, "typography/space-before-mark", "轻薄 ，好穿。", "轻薄，好穿。"},
      {zh, "typography/space-after-mark", "轻薄， 好穿。", "轻薄，好穿。"},
      {zh, "typography/wrong-mark", "好看吗？。", "好看吗？"},
      {zh, "typography/wrong-mark", "轻薄，,好穿。", "轻薄，好穿。"},
      {zh, "typography/wrong-mark", "轻薄（很薄，）好穿。", "轻薄（很薄）好穿。"},
      only_found(zh, "typography/wrong-mark", "轻薄，。好穿。"),
      only_found(zh, "typography/wrong-mark", "轻薄。，好穿。"),
      only_found(zh, "typography/wrong-mark", "轻薄（，很薄）好穿。"),
      {zh, "typography/line-start", "，好穿。", "好穿。"},
      only_found(zh, "typography/line-start", "轻薄\n，好穿。"),
      only_found(zh, "typography/final-mark", "轻薄。好穿"),
      {zh, "grammar/doubled-word", "柔软的的面料。", "柔软的面料。"},
      {zh, "grammar/doubled-word", "买到了了，好开心。", "买到了，好开心。"},
      {zh, "grammar/doubled-word", "在在家里用。", "在家里用。"},
      {zh, "grammar/doubled-word", "毛巾和和杯子。", "毛巾和杯子。"},
      {zh, "grammar/doubled-word", "这款是是纯棉的。", "这款是纯棉的。"},
      {zh, "grammar/doubled-word", "不用把把它洗了。", "不用把它洗了。"},
      {zh, "grammar/doubled-word", "你也也来看看。", "你也来看看。"},
      {zh, "grammar/doubled-word", "我们我们都爱喝茶。", "我们都爱喝茶。"},
      {zh, "grammar/doubled-word", "好看而且而且好用。", "好看而且好用。"},
      only_found(zh, "grammar/missing-word", "有杯子、茶壶以及。"),
  });
}

TEST_CASE("English spaces, capitals and small words are found and mended", "[copywriter][typography]") {
  check_cases({
      {en, "typography/space-before-mark", "Light , soft .", "Light, soft."},
      {en, "typography/space-after-mark", "Light,soft and warm.", "Light, soft and warm."},
      {en, "typography/space-after-mark", "It is light.You will like it.", "It is light. You will like it."},
      {en, "typography/space-after-mark", "So soft!Try it.", "So soft! Try it."},
      {en, "typography/chinese-mark", "Light，soft（very）。", "Light, soft (very)."},
      only_found(en, "typography/wrong-mark", "Light,. and soft."),
      only_found(en, "typography/final-mark", "It is light. You will like it"),
      {en, "grammar/doubled-word", "Put it in the the bag.", "Put it in the bag."},
      {en, "grammar/doubled-word", "The the bag.", "The bag."},
      {en, "grammar/doubled-word", "It goes to to work.", "It goes to work."},
      only_found(en, "grammar/doubled-word", "A a an apple."),
      only_found(en, "grammar/doubled-word", "The cotton cotton shirt."),
      {en, "grammar/article", "A apple a day, and an pear.", "An apple a day, and a pear."},
      {en, "grammar/capital-i", "When i wear it, i'm warm.", "When I wear it, I'm warm."},
      {en, "grammar/capital", "It is light. you will like it.", "It is light. You will like it."},
      only_found(en, "grammar/capital", "It is from Yahoo! it is light."),
      {en, "grammar/agreement", "You is warm. They was here.", "You are warm. They were here."},
      {en, "grammar/agreement", "It have a lid.", "It has a lid."},
      only_found(en, "grammar/agreement", "This are cups."),
      {en, "grammar/agreement", "He don't mind, and they doesn't.", "He doesn't mind, and they don't."},
      {en, "grammar/agreement", "There is three pockets inside.", "There are three pockets inside."},
      {en, "grammar/agreement", "It doesn't has a lid.", "It doesn't have a lid."},
  });
}

TEST_CASE("a missing amount and a stammer are found, and what looks like them is not",
          "[copywriter][typography]") {
  const auto finds = [](const char* text, Language language, const char* rule) {
    const Strings rules = rules_of(text, language);
    return std::find(rules.begin(), rules.end(), rule) != rules.end();
  };
  for (const char* text : {"The price is $.", "It was £, and now it is $45.", "It costs $ $."})
    CHECK(finds(text, Language::en, "grammar/missing-word"));
  for (const char* text : {"The price is $45.", "It costs US$ 45 or 40 $.", "Look up $ACME.", "From € 5 on."})
    CHECK_FALSE(finds(text, Language::en, "grammar/missing-word"));
  for (const char* text : {"价格是元。", "现价元，喜欢就好。", "只要￥，带回家。"})
    CHECK(finds(text, Language::zh, "grammar/missing-word"));
  for (const char* text : {"价格是399元。", "现价¥45。", "含有多种元素。", "只要元宵一碗。"})
    CHECK_FALSE(finds(text, Language::zh, "grammar/missing-word"));
  CHECK(finds("跟沙发告个假，去会会会会留到晚上。", Language::zh, "grammar/doubled-word"));
  for (const char* text : {"哈哈哈，买买买。", "好好看看，天天向上。"})
    CHECK_FALSE(finds(text, Language::zh, "grammar/doubled-word"));
}

TEST_CASE("two things that are one are found, and what looks like them is not", "[copywriter][typography]") {
  const auto finds = [](const char* text, Language language) {
    const Strings rules = rules_of(text, language);
    return std::find(rules.begin(), rules.end(), "grammar/same-twice") != rules.end();
  };
  for (const char* text :
       {"你既爱积木，又爱积木，这一款就是为你挑的。",
        "喜欢户外服装的你，也喜欢户外服装，推荐时我们都想到了。", "考虑到你喜欢茶具和茶具，推荐了这一款。",
        "茶具和茶具，都是你的喜好。", "无论是茶具还是茶具，都要有好心情。"})
    CHECK(finds(text, Language::zh));
  for (const char* text : {"你既爱积木，又爱积木桌，这一款就是为你挑的。", "喜欢旅行，也喜欢旅行箱。",
                           "茶具和茶具柜，都是你的喜好。", "朋友和朋友之间，一壶茶就够。",
                           "你喜欢茶具和咖啡，推荐了这一款。", "茶具还是茶桌，都好。"})
    CHECK_FALSE(finds(text, Language::zh));
  for (const char* text :
       {"You love board games and board games, so this one is for you.",
        "You like tea, you like tea, and perhaps you will like this.",
        "If you find time for hiking and hiking, look at this.", "A map, then coffee, then coffee.",
        "Boots, office wear, office wear, a shirt.", "Good to see you, to see you."})
    CHECK(finds(text, Language::en));
  for (const char* text : {"You love board games and board game cafes.", "People love it more and more.",
                           "You like tea, you like teapots, and this.", "Tea for two, two for tea.",
                           "From room to room, from shelf to shelf.", "Very, very good.",
                           "A cup, a cupboard.", "Call it again and again."})
    CHECK_FALSE(finds(text, Language::en));
}

TEST_CASE("a or an goes by the sound of what follows", "[copywriter][typography]") {
  for (const char* word :
       {"hour",       "honest look", "heirloom",      "MBA",        "8-inch pan", "11-piece set",
        "18 mm lens", "800 W fan",   "SD card",       "LED lamp",   "FM radio",   "X-ray",
        "x-ray",      "iPhone case", "eBay shop",     "umbrella",   "unlikely",   "upper deck",
        "HDMI cable", "LCD",         "A-line skirt",  "$8 mug",     "egg",        "8,000 mAh cell",
        "ultralight", "e-reader",    "L-shaped desk", "undershirt", "only child"}) {
    CAPTURE(word);
    CHECK(rules_of(concat("It is an ", word, "."), en) == Strings{});
    CHECK(rules_of(concat("It is a ", word, "."), en) == Strings{"grammar/article"});
    CHECK(fixed(concat("It is a ", word, "."), en) == concat("It is an ", word, "."));
  }
  for (const char* word : {"university",
                           "one-off",
                           "European",
                           "euro",
                           "UV filter",
                           "USB port",
                           "unique cup",
                           "useful bag",
                           "10-inch pan",
                           "7 mm lens",
                           "180 W fan",
                           "T-shirt",
                           "U-shaped pillow",
                           "house",
                           "yellow cup",
                           "unit",
                           "unisex coat",
                           "ewe",
                           "once",
                           "PC",
                           "TV",
                           "DVD",
                           "5 l jug",
                           "$10 mug",
                           "ukulele"}) {
    CAPTURE(word);
    CHECK(rules_of(concat("It is a ", word, "."), en) == Strings{});
    CHECK(rules_of(concat("It is an ", word, "."), en) == Strings{"grammar/article"});
  }
  // Said in two ways, or by a name's own rules.
  for (const char* word : {"herb", "historic day", "hotel", "1100 W fan", "Hermès bag", "Uber", "FAQ",
                           "SQL book", "ukelele", "RAM stick", "mp3"}) {
    CAPTURE(word);
    CHECK(rules_of(concat("It is a ", word, "."), en) == Strings{});
    CHECK(rules_of(concat("It is an ", word, "."), en) == Strings{});
  }
}

TEST_CASE("what looks wrong and is not raises no alarm", "[copywriter][typography]") {
  check_innocent(zh, {"",
                      "好茶",
                      "好茶，慢慢喝。",
                      "轻薄 透气 百搭",
                      "只要1,299.5元，20:00开抢。",
                      "3:2的比例，见https://a.cn/x,y.html。",
                      "来信shop@example.com，或看example.com。",
                      "喜欢就来:)",
                      "(^_^) 好喝",
                      "说明书.pdf在这里。",
                      "iPhone 15 Pro Max",
                      "等你……",
                      "好茶——慢慢喝。",
                      "他说：“好喝！”",
                      "《茶经》（全本）【新品】「茶」‘好’“好‘好’好”",
                      "13.3英寸双肩包",
                      "妈妈天天谢谢你。",
                      "的确，的的确确好喝。",
                      "明明白白写着。",
                      "了了无几。",
                      "为了了解你。",
                      "不了了之。",
                      "目的的确定。",
                      "现在在家里。",
                      "实在在理。",
                      "暖和和舒服。",
                      "柔和和清爽。",
                      "把把关。",
                      "一把把伞。",
                      "棉被被子",
                      "是是非非。",
                      "成都都有。",
                      "成就就在眼前。",
                      "参与与分享。",
                      "更更新。",
                      "去买的士票，打的的人。",
                      "和和美美。",
                      "一、好茶\n二、好水\n三）好杯",
                      "1) 好茶\n2) 好水",
                      "#好茶推荐#",
                      "#好茶 @茶馆",
                      "😀好茶👨‍👩‍👧🏴󠁧󠁢󠁥󠁮󠁧󠁿",
                      "价格¥59.90起，满200减20。",
                      "10:30—11:30",
                      "A/B两款，S、M、L三码。",
                      "好茶！？",
                      "“好茶。”",
                      "　　好茶。\n　　好水。",
                      "长 30cm，宽 20cm。",
                      "北京—上海",
                      "「好茶」，好水。",
                      "第1,2,3步",
                      "5'10\"的他。",
                      "Q2 马克杯 200毫升",
                      "雪峰 13.3英寸双肩包，1299元。"});
  check_innocent(en, {"",
                      "Good tea",
                      "good tea for slow days",
                      "Good tea, good day.",
                      "It had had its day, and that that is fine.",
                      "Bye bye, so so.",
                      "Wow...",
                      "e.g. tea, i.e. leaves, vs. coffee. No. 5 is here.",
                      "iPhone and eBay. iPhone 15 is here.",
                      "Only $3.50, or 3.5 oz. per cup.",
                      "See example.com or https://example.com/a,b.html.",
                      "Made in the U.S.A. for you.",
                      "Version v2.0 is out.",
                      "Sizes: S,M,L,XL",
                      "A 13\" bag and a 5'10\" man.",
                      "He said \"good tea\" twice.",
                      "It's the shop's tea. Rock ’n’ roll in the ‘90s.",
                      "(Good) [tea] “and ‘milk’”.",
                      "Good tea :) now",
                      "Nice ;-) tea",
                      "Meet the The North Face jacket.",
                      "Type A or B. Vitamin A is in it. Plan a or b.",
                      "1. soft cotton\n2. light",
                      "a) tea\nb) milk",
                      "You are warm. It has a lid. They were here.",
                      "A gift for me and you is here.",
                      "What suits you is here.",
                      "Does it have a lid? Let it have one. Make it have it all.",
                      "There is three-year cover.",
                      "There is two pounds off.",
                      "If I were you. If it were mine.",
                      "All that you do is tea.",
                      "Very very good tea.",
                      "Type i or ii. Part i of it.",
                      "“One.\n“Two.”",
                      "Say hello to Yahoo! mail.",
                      "Tea (black, green), milk.",
                      "100% cotton.",
                      "#tea @shop",
                      "Tea 😀🎉",
                      "It is all yours, so is the cup.",
                      "A la carte. A one-off. A Apple.",
                      "Q&A and R&B.",
                      "Buy 1, get 1 free!",
                      "Good tea!?",
                      "From 9 a.m. to 5 p.m. we are open.",
                      "Booking.com is down.",
                      "Mr. Tea and Dr. Leaf, St. Ives.",
                      "adidas for all. Shop adidas.",
                      "Tea,\nmilk.",
                      "What you see is what you get.",
                      "Dress size [M].",
                      "Price: $5 / cup",
                      "X-ray it",
                      "The one I is for.",
                      "people who like it don't mind."});
}

}  // namespace adlib::copywriter
