//! What can be said of a face: CelebA's binary attributes and the domain's own.

/// Declares [`Attribute`] with CelebA-style names, as they stand in `attributes.csv`.
macro_rules! attributes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A binary property of a face. CelebA's names come first, the domain's own after them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is the name of the attribute it stands for")]
        pub enum Attribute { $($(#[$doc])* $variant),+ }

        impl Attribute {
            /// Every attribute, in the order of `attributes.csv`.
            pub const ALL: &'static [Attribute] = &[$(Attribute::$variant),+];

            /// The column name, CelebA's spelling where CelebA has the attribute.
            pub const fn name(self) -> &'static str {
                match self { $(Attribute::$variant => $name),+ }
            }
        }
    };
}

attributes! {
    FiveOClockShadow = "5_o_Clock_Shadow",
    ArchedEyebrows = "Arched_Eyebrows",
    BagsUnderEyes = "Bags_Under_Eyes",
    Bald = "Bald",
    Bangs = "Bangs",
    BigLips = "Big_Lips",
    BigNose = "Big_Nose",
    BlackHair = "Black_Hair",
    BlondHair = "Blond_Hair",
    BrownHair = "Brown_Hair",
    BushyEyebrows = "Bushy_Eyebrows",
    Chubby = "Chubby",
    DoubleChin = "Double_Chin",
    Eyeglasses = "Eyeglasses",
    Goatee = "Goatee",
    GrayHair = "Gray_Hair",
    HeavyMakeup = "Heavy_Makeup",
    HighCheekbones = "High_Cheekbones",
    Male = "Male",
    MouthSlightlyOpen = "Mouth_Slightly_Open",
    Mustache = "Mustache",
    NarrowEyes = "Narrow_Eyes",
    NoBeard = "No_Beard",
    OvalFace = "Oval_Face",
    PaleSkin = "Pale_Skin",
    PointyNose = "Pointy_Nose",
    RecedingHairline = "Receding_Hairline",
    RosyCheeks = "Rosy_Cheeks",
    Sideburns = "Sideburns",
    Smiling = "Smiling",
    StraightHair = "Straight_Hair",
    WavyHair = "Wavy_Hair",
    WearingEarrings = "Wearing_Earrings",
    WearingHat = "Wearing_Hat",
    WearingLipstick = "Wearing_Lipstick",
    WearingNecklace = "Wearing_Necklace",
    WearingNecktie = "Wearing_Necktie",
    Young = "Young",
    /// A full beard: chin and cheeks.
    FullBeard = "Full_Beard",
    Child = "Child",
    Elderly = "Elderly",
    Wrinkles = "Wrinkles",
    Freckles = "Freckles",
    DarkSkin = "Dark_Skin",
    RedHair = "Red_Hair",
    WhiteHair = "White_Hair",
    CurlyHair = "Curly_Hair",
    LongHair = "Long_Hair",
    ShortHair = "Short_Hair",
    BlueEyes = "Blue_Eyes",
    GreenEyes = "Green_Eyes",
    BrownEyes = "Brown_Eyes",
    ClosedEyes = "Closed_Eyes",
    Surprised = "Surprised",
    Frowning = "Frowning",
    Sunglasses = "Sunglasses",
    KnittedCap = "Knitted_Cap",
    BrimmedHat = "Brimmed_Hat",
    BaseballCap = "Baseball_Cap",
    BigEars = "Big_Ears",
    SquareJaw = "Square_Jaw",
}

impl Attribute {
    /// How many attributes there are.
    pub const COUNT: usize = Self::ALL.len();

    /// How many of them, from the first, are CelebA's.
    pub const CELEBA_COUNT: usize = 38;

    /// Position in [`Attribute::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The attribute of that column name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

/// How much there is of an attribute, where it is not the plain "there" or "absent".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Degree {
    /// A little: neither clearly there nor absent.
    Slight,
    /// A lot.
    Extreme,
}

impl Degree {
    /// The degree of that name in the lexicon.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "slight" => Some(Self::Slight),
            "extreme" => Some(Self::Extreme),
            _ => None,
        }
    }
}

/// What is known of each attribute of one face: yes, no, or neither.
///
/// Neither (`None`) means that nobody could tell from the picture: a value half way between, or a
/// property that something hides, as a hat hides a fringe. Captions never mention such an
/// attribute, but as a [`Degree`], and no measure scores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    states: [Option<bool>; Attribute::COUNT],
    degrees: [Option<Degree>; Attribute::COUNT],
}

impl Attributes {
    /// Nothing known.
    pub const UNKNOWN: Self = Self {
        states: [None; Attribute::COUNT],
        degrees: [None; Attribute::COUNT],
    };

    /// The state of one attribute.
    pub const fn get(&self, attribute: Attribute) -> Option<bool> {
        self.states[attribute.index()]
    }

    /// How much there is of an attribute, if it is a little or a lot.
    pub const fn degree(&self, attribute: Attribute) -> Option<Degree> {
        self.degrees[attribute.index()]
    }

    /// Whether the attribute is clearly there.
    pub fn has(&self, attribute: Attribute) -> bool {
        self.get(attribute) == Some(true)
    }

    /// Whether the attribute is clearly not there.
    pub fn lacks(&self, attribute: Attribute) -> bool {
        self.get(attribute) == Some(false)
    }

    /// Sets the state of one attribute.
    pub const fn set(&mut self, attribute: Attribute, state: Option<bool>) {
        self.states[attribute.index()] = state;
    }

    /// Sets how much there is of an attribute.
    pub(crate) const fn set_degree(&mut self, attribute: Attribute, degree: Option<Degree>) {
        self.degrees[attribute.index()] = degree;
    }

    /// Every attribute with its state, in the order of [`Attribute::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, Option<bool>)> + '_ {
        Attribute::ALL.iter().map(|&a| (a, self.get(a)))
    }
}
